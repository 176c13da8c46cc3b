"use strict";
(async () => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const packed = new Blob([bytes(content.digits.images)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const images = new Uint8Array(await new Response(packed).arrayBuffer());
  const digits = new Digits(images, Uint8Array.from(content.digits.labels));
  window.npdigits = { digits, training: content.digits.training };
})();
