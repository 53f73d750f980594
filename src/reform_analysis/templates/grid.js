(function () {
  "use strict";
  function each(list, act) { Array.prototype.forEach.call(list, act); }
  each(document.querySelectorAll(".grid"), function (grid, number) {
    var body = grid.querySelector("tbody");
    var rows = Array.prototype.slice.call(body.rows);
    var selects = grid.querySelectorAll(".filters select");
    var count = grid.querySelector(".count");
    function filter() {
      var shown = 0;
      each(rows, function (row) {
        var keep = Array.prototype.every.call(selects, function (select) {
          return select.value === "" || row.cells[Number(select.dataset.column)].dataset.value === select.value.slice(1);
        });
        row.hidden = !keep;
        shown += keep ? 1 : 0;
      });
      count.textContent = shown + " / " + rows.length;
    }
    function sort(head, column, descending) {
      var numeric = head.dataset.kind === "number";
      rows.sort(function (a, b) {
        var left = a.cells[column].dataset.value, right = b.cells[column].dataset.value;
        if (numeric && (left === "" || right === "")) { return (left === "") - (right === ""); }
        var scales = numeric ? a.cells[column].dataset.group - b.cells[column].dataset.group : 0;
        if (scales) { return scales; }
        var order = numeric ? left - right : left < right ? -1 : left > right ? 1 : 0;
        return descending ? -order : order;
      });
      each(rows, function (row) { body.appendChild(row); });
      each(grid.querySelectorAll("th"), function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      // The page that one comes back to is built anew: it is sorted as it was left.
      var sorts = Object.assign({}, history.state);
      sorts[number] = [column, descending];
      history.replaceState(sorts, "");
    }
    each(selects, function (select) { select.addEventListener("change", filter); });
    each(grid.querySelectorAll("thead th"), function (head, column) {
      var button = head.querySelector("button");
      if (button) {
        button.addEventListener("click", function () { sort(head, column, head.getAttribute("aria-sort") === "ascending"); });
      }
    });
    filter();
    window.addEventListener("pageshow", filter);
    var left = (history.state || {})[number];
    if (left) { sort(grid.querySelectorAll("thead th")[left[0]], left[0], left[1]); }
  });
})();
