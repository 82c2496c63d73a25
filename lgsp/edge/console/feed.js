// The stream: an EventSource that is watched, because a half-open connection is silent.

const SILENCE = 25000;

// `told` has a function for each event; `silent` is told when nothing came for too long, and that the stream is back.
export function follow(told, lost) {
  let source = null;
  let watchdog = 0;
  let seen = "";

  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(open, SILENCE);
  };

  function open() {
    if (source) source.close();
    source = new EventSource("/lgsp/v1/console/events" + (seen ? `?seen=${encodeURIComponent(seen)}` : ""));
    source.onopen = alive;
    source.onerror = () => {
      lost();
      if (source.readyState === EventSource.CLOSED) {
        clearTimeout(watchdog);
        watchdog = setTimeout(open, 3000);
      }
    };
    for (const [name, take] of Object.entries(told)) {
      source.addEventListener(name, (event) => {
        alive();
        seen = event.lastEventId;
        take(JSON.parse(event.data));
      });
    }
    alive();
  }

  open();
}
