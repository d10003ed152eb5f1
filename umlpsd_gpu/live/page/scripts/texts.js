// Sentences about the run. Names and sentences of others are always text, never HTML.

const byId = (id) => document.getElementById(`live-${id}`);

function setText(id, text) {
  const element = byId(id);
  // the same text again would be read out again
  if (element.textContent !== text) element.textContent = text;
}

function show(id, text) {
  setText(id, text);
  byId(id).hidden = text === "";
}

// With a capital letter, unless it begins with a name, as "film.tif: …".
const sentence = (text) => (/^\p{Ll}+ /u.test(text) ? capitalised(text) : text);

const whole = (number) => number.toLocaleString("en-US");
const decimals = (value, n) => (value === null ? "–" : value.toFixed(n).replace("-", "−"));

function duration(seconds) {
  return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${whole(Math.round(seconds))} s`;
}

const STATES = {
  waiting: "waiting: no frames yet", recording: "recording", stalled: "stalled",
  finishing: "finishing: analysing the whole movie", finished: "finished", failed: "failed",
};

function stateText({ state, n_frames: nFrames, time_s: time, decision }) {
  let text = STATES[state];
  if (nFrames) text += `${text.includes(":") ? ";" : ":"} ${whole(nFrames)} frames${time === null ? "" : `, ${duration(time)}`}`;
  return decision ? `${text}; ${decisionText(decision)}` : text;
}

function decisionText({ k, is_undecided: isUndecided, confidence, unchanged_s: unchanged }) {
  const parts = [
    isUndecided ? `K undecided, ${k} is most probable` : `K = ${k}`,
    `probability ${decimals(confidence, 2)}`,
  ];
  if (unchanged !== null) parts.push(`unchanged for ${duration(unchanged)}`);
  return parts.join(", ");
}

function detailText(state, word) {
  const parts = [];
  if (state.n_emitters) parts.push(`${whole(state.n_emitters)} ${word}${state.n_emitters === 1 ? "" : "s"}`);
  const behind = state.n_arrived - state.n_frames;
  if (behind > 0) {
    parts.push(`${whole(behind)} of ${whole(state.n_arrived)} recorded frames not analysed yet`);
  }
  if (state.n_frames && state.lag_s !== null && state.state === "recording") {
    parts.push(`${duration(state.lag_s)} behind the camera`);
  }
  return parts.join("; ") + (parts.length ? "." : "");
}

function headlineText(state, study) {
  if (study) return study.headline;
  if (state.state === "failed") return "The run has failed";
  if (state.n_emitters) return `Following ${whole(state.n_emitters)} emitters`;
  return state.n_frames ? "Looking for emitters" : "Waiting for frames";
}

// What a screen reader is told: changes of state and K, not every second.
function announcement(state, study) {
  const decided = state.decision ? ` ${study?.headline ?? `K = ${state.decision.k}`}.` : "";
  return `${capitalised(STATES[state.state])}.${decided}`;
}
