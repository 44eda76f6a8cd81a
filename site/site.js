// Copy buttons, and the arrow keys for the previous and the next page. All can be read without this.
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = !navigator.clipboard;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const code = button.closest(".program, .command").querySelectorAll("pre code");
    await navigator.clipboard.writeText([...code].map((part) => part.textContent).join(""));
    button.textContent = button.dataset.done;
    setTimeout(() => (button.textContent = label), 1500);
  });
}
addEventListener("keydown", (event) => {
  const link = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  if (!link || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (document.activeElement === document.body) document.querySelector(`a[rel=${link}]`)?.click();
});
