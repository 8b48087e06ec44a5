"""Scrapy's settings for one source: every default that is unsafe or impolite is set here.

Source: docs/topics/security.rst and the settings reference of Scrapy 2.19 (seen November 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from crawler.browser_provider import ALLOWED, HANDLER, abort_others
from crawler.middlewares import MAX_REDIRECTS
from crawler.resolver import PRIVATE_SETTING
from crawler.robots import USER_AGENT_NAME
from storage.evidence import software_name

if TYPE_CHECKING:
    from crawler.watch import SourceConfig

MAX_BODY_BYTES = 16 << 20
"""Largest answer that is taken, packed and unpacked alike; a small packed one can grow to gigabytes."""

TIMEOUT_SECONDS = 30
_FAST_CONCURRENCY = 8
_MEMORY_LIMIT_MB = 1500


def user_agent(contact: str) -> str:
    """Return who we say we are: name, version and how the operator can be reached."""
    version = software_name().rpartition("/")[2]
    clean = " ".join(contact.split()).encode("ascii", "ignore").decode().strip()
    return f"{USER_AGENT_NAME}/{version} (+{clean})" if clean else f"{USER_AGENT_NAME}/{version}"


def scrapy_settings(source: SourceConfig, *, contact: str) -> dict[str, Any]:
    """Return the settings of one crawl."""
    delay = source.budget.delay_seconds
    concurrency = 1 if delay else _FAST_CONCURRENCY
    return {
        **_SAFE,
        "USER_AGENT": user_agent(contact),
        "DOWNLOAD_DELAY": delay,
        "CONCURRENT_REQUESTS": concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": concurrency,
        PRIVATE_SETTING: sorted(source.reach.private),
    }


_SAFE: dict[str, Any] = {
    "BOT_NAME": USER_AGENT_NAME,
    "SCHEDULER": "crawler.frontier.FrontierScheduler",
    "JOBDIR": None,  # loses its queue when killed: our frontier table is the queue
    "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",  # the frontier's keys tell requests apart
    "TWISTED_DNS_RESOLVER": "crawler.resolver.GuardedResolver",
    "DOWNLOADER_MIDDLEWARES": {
        "crawler.middlewares.HostMiddleware": 10,
        "crawler.middlewares.RobotsMiddleware": 20,
        "crawler.middlewares.RedirectMiddleware": 600,
        "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
        "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
        "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
        "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
        "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,
        "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
        "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
        "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": None,  # would undo the resolver's guard
        "scrapy.downloadermiddlewares.httpcache.HttpCacheMiddleware": None,
    },
    "SPIDER_MIDDLEWARES": {
        "scrapy.spidermiddlewares.referer.RefererMiddleware": None,
        "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,  # every answer is one of our outcomes
        "scrapy.spidermiddlewares.depth.DepthMiddleware": None,  # the frontier counts depth
    },
    "EXTENSIONS": {
        "scrapy.extensions.telnet.TelnetConsole": None,
        "scrapy.extensions.remote_control.RemoteControl": None,
        "scrapy.extensions.feedexport.FeedExporter": None,
        "scrapy.extensions.spiderstate.SpiderState": None,
        "scrapy.extensions.throttle.AutoThrottle": None,
        "scrapy.extensions.logstats.LogStats": None,
    },
    "DOWNLOAD_HANDLERS": dict.fromkeys(("data", "file", "ftp", "s3")),
    "DOWNLOAD_VERIFY_CERTIFICATES": True,
    "DOWNLOAD_MAXSIZE": MAX_BODY_BYTES,
    "DOWNLOAD_WARNSIZE": 0,
    "DOWNLOAD_TIMEOUT": TIMEOUT_SECONDS,
    "DOWNLOAD_DELAY_JITTER": 0,  # never faster than the delay that was asked for
    "DOWNLOAD_FAIL_ON_DATALOSS": True,
    "COOKIES_ENABLED": False,
    "REFERER_ENABLED": False,
    "ROBOTSTXT_OBEY": False,  # obeyed by our own middleware, which keeps the file and its verdict
    "REDIRECT_ENABLED": False,
    "REDIRECT_MAX_TIMES": MAX_REDIRECTS,
    "METAREFRESH_ENABLED": False,
    "RETRY_ENABLED": False,
    "HTTPPROXY_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False,
    "MEMUSAGE_ENABLED": True,
    "MEMUSAGE_LIMIT_MB": _MEMORY_LIMIT_MB,
    "LOG_LEVEL": "ERROR",  # its messages quote addresses
    "LOG_INSTALL_ROOT_HANDLER": False,
    "STATS_DUMP": False,
    "DEFAULT_REQUEST_HEADERS": {
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
    },
    "URLLENGTH_LIMIT": 2083,
}


def browser_settings(source: SourceConfig, context: dict[str, Any], *, wait_seconds: float) -> dict[str, Any]:
    """Return what is added for a source that is read through a browser.

    The handler is registered for the one scheme of the source: for two, it would open the profile twice. The
    browser keeps its own headers.
    """
    scheme = urlsplit(source.home).scheme
    allowed = frozenset(tuple(pair) for pair in context[ALLOWED])
    return {
        "DOWNLOAD_HANDLERS": {**_SAFE["DOWNLOAD_HANDLERS"], scheme: HANDLER},
        "CONCURRENT_REQUESTS": 1,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "PLAYWRIGHT_BROWSER_PROVIDER": "crawler.browser_provider.GuardedProvider",
        "PLAYWRIGHT_PROCESS_REQUEST_HEADERS": None,
        "PLAYWRIGHT_ABORT_REQUEST": abort_others(allowed),
        "PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT": wait_seconds * 1000,
        "PLAYWRIGHT_MAX_PAGES_PER_CONTEXT": 1,
        "PLAYWRIGHT_RESTART_DISCONNECTED_BROWSER": False,
        "SOURCE_CONTEXT": context,
    }
