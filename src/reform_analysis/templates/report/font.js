(function () {
  "use strict";
  // Chromium does not redraw the words whose drawing set off the loading of an embedded font: on a machine
  // without a Chinese font they would stay boxes. So nothing is drawn before the font is there.
  var root = document.documentElement;
  root.className = "js loading";
  document.fonts.load('1em "Report Sans SC"', "\u4e2d").finally(function () {
    root.classList.remove("loading");
  });
})();
