// Asks the server for news, one question at a time, for as long as the page is open.

const token = new URLSearchParams(location.search).get("token") ?? "";
// the server answers within 20 s, news or not
const LONGEST_MS = 30_000;
const AGAIN_MS = 1000;

class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

async function ask(path, values) {
  const query = new URLSearchParams({ ...values, token });
  const response = await fetch(`${path}?${query}`, { signal: AbortSignal.timeout(LONGEST_MS), cache: "no-store" });
  const answer = await response.json();
  if (!response.ok) throw new Refusal(response.status, answer.error);
  return answer;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function followRun(view, take) {
  for (;;) {
    let answer = null;
    try {
      answer = await ask("/state", { since: view.state?.number ?? 0, ...view.versions });
      tellConnection(view, null);
    } catch (error) {
      tellConnection(view, error);
      await pause(AGAIN_MS);
    }
    // outside, so that a fault of the page is not taken for one of the connection
    if (answer && !answer.nothing_new) take(answer);
  }
}

function tellConnection(view, error) {
  const isOver = view.state?.state === "finished" && !(error instanceof Refusal);
  view.root.dataset.link = error && !isOver ? "lost" : "ok";
  byId("connection").classList.toggle("alarm", !isOver);
  if (!error) show("connection", "");
  else if (error instanceof Refusal && error.status === 403) {
    show("connection", "This address belongs to another run; open the address that the run has printed.");
  } else if (isOver) {
    show("connection", "The program has ended; this page keeps what it has.");
  } else show("connection", "Connection lost, trying again.");
}

// The chosen emitter, asked for again with each snapshot; at most one question is open.
function emitterReader(view, draw) {
  let [isAsking, isWanted] = [false, false];
  return async function read() {
    isWanted = true;
    if (isAsking) return;
    isAsking = true;
    try {
      while (isWanted) {
        isWanted = false;
        const id = view.chosen;
        if (id === null) break;
        const columns = Math.min(600, Math.max(150, Math.round(byId("map").clientWidth)));
        const answer = await ask("/trace", { id, columns, seconds: byId("seconds").value });
        if (view.chosen === id) draw(answer);
        else isWanted = true;
      }
    } catch (error) {
      // the question for news tells what is wrong, and the next snapshot asks again
      const isExpected = !(error instanceof Refusal) || [403, 404].includes(error.status);
      if (!isExpected) throw error;
    } finally {
      isAsking = false;
    }
  };
}
