/* The note platform's application: search, overlay, comments, profile. It loads nothing from elsewhere. */
(function () {
  "use strict";
  var state = window.__INITIAL_STATE__;
  var main = document.getElementById("main");
  var PAGE_SIZE = 20;
  var overlayFrom = 0; /* the page under an open note is put away, and comes back where it was */
  var search = { keyword: "", page: 0, more: true, busy: false, id: "" };

  function el(tag, attributes, children) {
    var node = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) {
      if (attributes[name] !== undefined) node.setAttribute(name, attributes[name]);
    });
    [].concat(children === undefined ? [] : children).forEach(function (child) {
      node.append(child);
    });
    return node;
  }

  function call(method, path, body) {
    var options = { method: method, headers: { Accept: "application/json, text/plain, */*" }, credentials: "include" };
    if (body) {
      options.headers["Content-Type"] = "application/json;charset=UTF-8";
      options.body = JSON.stringify(body);
    }
    return fetch(path, options).then(function (response) {
      if (response.status === 461 || response.status === 471) {
        var here = location.pathname + location.search;
        var uuid = response.headers.get("Verifyuuid") || "";
        location.assign("/website-login/captcha?" + new URLSearchParams({ redirectPath: here, verifyUuid: uuid, verifyType: response.headers.get("Verifytype") || "", verifyBiz: String(response.status) }));
        throw new Error("challenge");
      }
      return response.json();
    });
  }

  function lost(id, token) {
    var source = "/explore/" + id + "?xsec_token=" + encodeURIComponent(token);
    location.assign("/404/sec_" + Math.random().toString(36).slice(2, 10) + "?" + new URLSearchParams({ source: source, error_code: "300031", error_msg: "当前笔记暂时无法浏览" }));
  }

  function image(url, name) {
    return el("img", { class: name, src: url, alt: "", loading: "lazy" });
  }

  /* ---- side bar ---- */
  function drawSideBar() {
    var list = document.querySelector(".channel-list");
    list.append(el("li", {}, el("a", { href: "/explore" }, "发现")));
    var user = state.user;
    if (user.loggedIn) {
      var link = el("a", { href: "/user/profile/" + user.userInfo.userId }, el("span", { class: "channel" }, "我"));
      list.append(el("li", { class: "user side-bar-component" }, link));
    } else {
      var button = el("button", { class: "login-btn", type: "button" }, "登录");
      button.addEventListener("click", function () { location.assign("/login"); });
      list.append(el("li", {}, button));
    }
    call("GET", "/api/sns/web/v1/user/selfinfo").catch(function () {});
  }

  /* ---- search ---- */
  function showLoginWall() {
    main.replaceChildren(el("div", { class: "login-container" }, [
      el("p", { class: "title" }, "登录后查看搜索结果"),
      el("a", { class: "login-btn", href: "/login?redirectPath=" + encodeURIComponent(location.pathname + location.search) }, "登录"),
    ]));
  }

  function card(item, index, source) {
    var note = item.note_card;
    var address = "/search_result/" + item.id + "?xsec_token=" + encodeURIComponent(item.xsec_token) + "&xsec_source=" + (source === "pc_user" ? "pc_user" : "");
    var user = note.user;
    var profile = "/user/profile/" + user.user_id + "?xsec_token=" + encodeURIComponent(user.xsec_token) + "&xsec_source=" + source;
    var cover = el("a", { class: "cover mask ld", target: "_self", href: address }, image(note.cover.url_default));
    var title = el("a", { class: "title", href: address }, el("span", {}, note.display_title));
    var corner = (note.corner_tag_info || []).map(function (tag) { return el("div", { class: "time" }, tag.text); });
    var name = el("div", { class: "name-time-wrapper" }, [el("div", { class: "name" }, user.nickname)].concat(corner));
    var author = el("a", { class: "author", href: profile, target: "_blank" }, [image(user.avatar, "author-avatar"), name]);
    var count = el("span", { class: "like-wrapper" }, el("span", { class: "count" }, note.interact_info.liked_count));
    var footer = el("div", { class: "footer" }, [title, el("div", { class: "card-bottom-wrapper" }, [author, count])]);
    var hidden = el("a", { href: "/explore/" + item.id, style: "display: none" });
    var section = el("section", { class: "note-item", "data-index": String(index) }, el("div", {}, [hidden, cover, footer]));
    [cover, title].forEach(function (link) {
      link.addEventListener("click", function (event) {
        event.preventDefault();
        openOverlay(item.id, item.xsec_token, source);
      });
    });
    return section;
  }

  function suggestions(item) {
    var words = (item[item.model_type] || {}).queries || [];
    var buttons = words.map(function (word) { return el("button", { type: "button" }, word.name); });
    return el("section", { class: "note-item query-note-item" }, [el("div", { class: "title" }, "相关搜索")].concat(buttons));
  }

  function startSearch() {
    search.keyword = new URLSearchParams(location.search).get("keyword") || "";
    document.querySelector(".search-input").value = search.keyword;
    if (!state.user.loggedIn) { showLoginWall(); return; }
    search.id = Date.now().toString(36) + Math.random().toString(36).slice(2, 12);
    state.search.feeds = { _value: [] };
    main.replaceChildren(
      el("div", { class: "feeds-page" }, [el("div", { class: "feeds-container" }), el("div", { class: "feeds-loading" }, "加载中")])
    );
    window.addEventListener("scroll", loadWhenNear, { passive: true });
    loadPage();
  }

  function loadWhenNear() {
    var page = document.documentElement;
    if (page.scrollTop + window.innerHeight >= page.scrollHeight - 300) loadPage();
  }

  function loadPage() {
    if (search.busy || !search.more || document.querySelector(".note-detail-mask")) return;
    search.busy = true;
    search.page += 1;
    call("POST", "/api/sns/web/v1/search/notes", {
      keyword: search.keyword, page: search.page, page_size: PAGE_SIZE, search_id: search.id,
      sort: "general", note_type: 0, ext_flags: [], image_formats: ["jpg", "webp", "avif"],
    }).then(function (answer) {
      search.busy = false;
      if (!answer.success) { refuseSearch(answer); return; }
      drawItems(answer.data.items || []);
      search.more = answer.data.has_more;
      if (!search.more) finishSearch(); else requestAnimationFrame(loadWhenNear);
    }).catch(function () { search.busy = false; });
  }

  function refuseSearch(answer) {
    search.more = false;
    if (answer.code === -100 || answer.code === -101) showLoginWall();
    else main.replaceChildren(el("div", { class: "notice-page" }, answer.msg));
  }

  function drawItems(items) {
    var container = document.querySelector(".feeds-container");
    items.forEach(function (item) {
      var index = container.querySelectorAll(".note-item").length;
      container.append(item.model_type === "note" ? card(item, index, "pc_search") : suggestions(item));
      if (item.model_type === "note") state.search.feeds._value.push(item);
    });
  }

  function finishSearch() {
    document.querySelector(".feeds-loading").remove();
    var found = document.querySelector(".feeds-container .cover");
    var last = found ? el("div", { class: "end-container" }, "- THE END -") : el("div", { class: "search-empty-container" }, "没有找到相关内容");
    document.querySelector(".feeds-page").append(last);
  }

  /* ---- one note, in an overlay or as a page ---- */
  function openOverlay(id, token, source) {
    if (document.querySelector(".note-detail-mask")) return;
    var back = location.pathname + location.search;
    history.pushState({ back: back }, "", "/explore/" + id + "?xsec_token=" + encodeURIComponent(token) + "&xsec_source=" + source);
    var close = el("button", { class: "close", type: "button", "aria-label": "关闭" }, "×");
    var mask = el("div", { class: "note-detail-mask", "note-id": id }, close);
    document.body.append(mask);
    overlayFrom = window.scrollY;
    document.getElementById("app").hidden = true;
    close.addEventListener("click", function () { history.back(); });
    mask.addEventListener("click", function (event) { if (event.target === mask) history.back(); });
    call("POST", "/api/sns/web/v1/feed", {
      source_note_id: id, image_formats: ["jpg", "webp", "avif"], extra: { need_body_topic: "1" }, xsec_source: source, xsec_token: token,
    }).then(function (answer) {
      if (!answer.success) {
        if (answer.code === 300031) lost(id, token);
        else mask.append(el("div", { class: "notice-page access-wrapper" }, answer.msg));
        return;
      }
      var note = answer.data.items[0].note_card;
      mask.append(noteView(note));
      loadComments(note, mask);
    }).catch(function () {});
  }

  function closeOverlay() {
    var mask = document.querySelector(".note-detail-mask");
    if (!mask) return;
    mask.remove();
    document.getElementById("app").hidden = false;
    window.scrollTo(0, overlayFrom);
  }

  function description(text) {
    var parts = text.split(/(#[^#\[\]]+\[话题\]#)/);
    return el("div", { id: "detail-desc", class: "desc" }, el("span", { class: "note-text" }, parts.map(function (part) {
      var found = /^#([^#\[\]]+)\[话题\]#$/.exec(part);
      return found ? el("a", { class: "tag", href: "/search_result?keyword=" + encodeURIComponent(found[1]) }, "#" + found[1]) : part;
    })));
  }

  function noteView(note) {
    var user = note.user;
    var profile = "/user/profile/" + user.user_id + "?xsec_token=" + encodeURIComponent(user.xsec_token) + "&xsec_source=pc_note";
    var pictures = note.image_list;
    var shown = pictures.slice(0, 1).map(function (it) { return image(it.url_default, "note-slider-img"); });
    var media = el("div", { class: "media-container" }, shown.concat(el("span", { class: "fraction" }, "1/" + pictures.length)));
    var author = el("div", { class: "author-container" }, el("div", { class: "info" }, el("a", { href: profile, target: "_blank" }, [image(user.avatar, "avatar-item"), el("span", { class: "username" }, user.nickname)])));
    var when = new Date(note.time).toLocaleDateString("zh-CN", { timeZone: "Asia/Shanghai" });
    var content = el("div", { class: "note-content" }, [
      el("div", { id: "detail-title", class: "title" }, note.title), description(note.desc),
      el("div", { class: "bottom-container" }, el("span", { class: "date" }, (when + " " + (note.ip_location || "")).trim())),
    ]);
    var comments = el("div", { class: "comments-el" }, el("div", { class: "comments-container" }, [
      el("div", { class: "total" }, "共 " + note.interact_info.comment_count + " 条评论"), el("div", { class: "list-container" }),
    ]));
    var scroller = el("div", { class: "note-scroller" }, [content, comments]);
    var bar = el("div", { class: "engage-bar" }, [
      el("span", { class: "like-wrapper" }, el("span", { class: "count" }, note.interact_info.liked_count)),
      el("span", { class: "collect-wrapper" }, el("span", { class: "count" }, note.interact_info.collected_count)),
      el("span", { class: "chat-wrapper" }, el("span", { class: "count" }, note.interact_info.comment_count)),
    ]);
    return el("div", { id: "noteContainer", class: "note-container" }, [media, el("div", { class: "interaction-container" }, [author, scroller, bar])]);
  }

  function loadComments(note, root) {
    var scroller = root.querySelector(".note-scroller");
    var list = root.querySelector(".list-container");
    var thread = { cursor: "", more: true, busy: false };
    function next() {
      if (thread.busy || !thread.more) return;
      thread.busy = true;
      call("GET", "/api/sns/web/v2/comment/page?" + new URLSearchParams({
        note_id: note.note_id, cursor: thread.cursor, top_comment_id: "", image_formats: "jpg,webp,avif", xsec_token: note.xsec_token,
      })).then(function (answer) {
        thread.busy = false;
        if (!answer.success) { thread.more = false; return; }
        answer.data.comments.forEach(function (comment) { list.append(commentThread(note, comment)); });
        thread.cursor = answer.data.cursor;
        thread.more = answer.data.has_more;
        if (!thread.more) list.after(el("div", { class: "end-container" }, "- THE END -"));
        else near();
      }).catch(function () { thread.busy = false; });
    }
    function near() {
      if (scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 60) next();
    }
    scroller.addEventListener("scroll", near, { passive: true });
    next();
  }

  function commentItem(comment, sub) {
    var user = comment.user_info;
    var name = el("a", { class: "name", href: "/user/profile/" + user.user_id + "?xsec_token=" + encodeURIComponent(user.xsec_token) + "&xsec_source=pc_comment", target: "_blank" }, user.nickname);
    var avatar = el("div", { class: "avatar" }, el("span", { class: "avatar-item" }));
    var when = new Date(comment.create_time).toLocaleDateString("zh-CN", { timeZone: "Asia/Shanghai" });
    var right = el("div", { class: "right" }, [
      el("div", { class: "author-wrapper" }, el("div", { class: "author" }, name)),
      el("div", { class: "content" }, el("span", { class: "note-text" }, comment.content)),
      el("div", { class: "info" }, el("div", { class: "date" }, (when + " " + (comment.ip_location || "")).trim())),
    ]);
    return el("div", { class: "comment-item" + (sub ? " comment-item-sub" : ""), id: "comment-" + comment.id }, el("div", { class: "comment-inner-container", style: "display: contents" }, [avatar, right]));
  }

  function commentThread(note, comment) {
    var replies = el("div", { class: "list-container" }, comment.sub_comments.map(function (it) { return commentItem(it, true); }));
    var box = el("div", { class: "reply-container" }, replies);
    var left = Number(comment.sub_comment_count) - comment.sub_comments.length;
    var cursor = comment.sub_comment_cursor;
    if (comment.sub_comment_has_more) {
      var more = el("div", { class: "show-more" }, "展开 " + left + " 条回复");
      more.addEventListener("click", function () {
        call("GET", "/api/sns/web/v2/comment/sub/page?" + new URLSearchParams({
          note_id: note.note_id, root_comment_id: comment.id, num: "10", cursor: cursor, image_formats: "jpg,webp,avif", top_comment_id: "", xsec_token: note.xsec_token,
        })).then(function (answer) {
          if (!answer.success) return;
          answer.data.comments.forEach(function (it) { replies.append(commentItem(it, true)); });
          cursor = answer.data.cursor;
          if (answer.data.has_more) more.textContent = "展开更多回复"; else more.remove();
        }).catch(function () {});
      });
      box.append(more);
    }
    return el("div", { class: "parent-comment" }, [commentItem(comment, false), box]);
  }

  /* ---- documents that begin with their own state ---- */
  function snake(value) {
    if (Array.isArray(value)) return value.map(snake);
    if (value === null || typeof value !== "object") return value;
    var made = {};
    Object.keys(value).forEach(function (key) {
      made[key.replace(/[A-Z]/g, function (letter) { return "_" + letter.toLowerCase(); })] = snake(value[key]);
    });
    return made;
  }

  function showNote(id) {
    var note = snake(state.note.noteDetailMap[id].note);
    var view = noteView(note);
    view.classList.add("page-note");
    main.replaceChildren(view);
    loadComments(note, main);
  }

  function showProfile(id) {
    var page = snake(state.user.userPageData);
    var info = page.basic_info;
    var counts = page.interactions.map(function (it) {
      return el("div", {}, [el("span", { class: "count" }, it.count), " ", el("span", { class: "shows" }, it.name)]);
    });
    var text = el("div", { class: "info-part info" }, [
      el("div", { class: "user-name" }, info.nickname),
      el("div", { class: "user-content" }, [el("span", { class: "user-redId" }, "小红书号：" + info.red_id), " ", el("span", { class: "user-IP" }, "IP属地：" + info.ip_location)]),
      el("div", { class: "user-desc" }, info.desc), el("div", { class: "user-interactions" }, counts),
    ]);
    var head = el("div", { class: "user-info" }, [el("div", { class: "avatar-wrapper" }, image(info.imageb, "user-image")), text]);
    var list = el("div", { class: "feeds-container" });
    main.replaceChildren(el("div", { class: "user-page" }, [head, list]));
    call("GET", "/api/sns/web/v1/user/otherinfo?target_user_id=" + id).catch(function () {});
    call("GET", "/api/sns/web/v1/user_posted?num=30&cursor=&user_id=" + id + "&image_formats=jpg,webp,avif").then(function (answer) {
      (answer.data.notes || []).forEach(function (note, index) {
        list.append(card({ id: note.note_id, xsec_token: note.xsec_token, note_card: note }, index, "pc_user"));
      });
    }).catch(function () {});
  }

  function showNotice(text) {
    main.replaceChildren(el("div", { class: "notice-page error-page" }, [el("p", { class: "title" }, text), el("a", { href: "/explore" }, "返回首页")]));
  }

  function start() {
    drawSideBar();
    window.addEventListener("popstate", closeOverlay);
    document.addEventListener("keydown", function (event) {
      if (event.key === "Escape" && document.querySelector(".note-detail-mask")) history.back();
    });
    var parts = location.pathname.split("/");
    var id = parts[parts.length - 1];
    if (state.notice !== undefined) showNotice(state.notice);
    else if (/^\/search_result\/?$/.test(location.pathname)) startSearch();
    else if (state.note.noteDetailMap[id]) showNote(id);
    else if (state.user.userPageData !== undefined) showProfile(id);
    else main.replaceChildren(el("div", { class: "explore-page" }, "在上方搜索框中输入你想找的内容"));
  }

  start();
})();
