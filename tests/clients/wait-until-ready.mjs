// Waits until an address answers 200; gives up when the process is gone, or after half a minute.
const [url, pid] = process.argv.slice(2);

for (let attempt = 0; attempt < 600; attempt += 1) {
  const ready = await fetch(url).then((answer) => answer.ok, () => false);
  if (ready) process.exit(0);
  try {
    process.kill(Number(pid), 0);
  } catch {
    process.exit(1);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
process.exit(1);
