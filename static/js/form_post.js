// OAuth 2.0 Form Post Response Mode: the form goes off by itself; without scripts its button does the same.
document.querySelector("form[data-post-at-once]")?.submit();
