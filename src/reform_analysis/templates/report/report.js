(function () {
  "use strict";
  var root = document.documentElement;
  var button = document.getElementById("code-button");
  var contents = document.querySelector(".contents details");
  if (button) {
    button.addEventListener("click", function () {
      var shown = root.classList.toggle("show-code");
      button.setAttribute("aria-expanded", String(shown));
      button.textContent = shown ? button.dataset.hide : button.dataset.show;
    });
  }
  if (contents && !window.matchMedia("(min-width: 68rem)").matches) {
    contents.removeAttribute("open");
  }
})();
