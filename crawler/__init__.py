"""Reading platforms: spiders, the durable frontier under Scrapy, evidence capture, importers."""
