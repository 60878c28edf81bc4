// Hand the authorization response to the page that waits for it, and take it out of this window's address.
const channel = new BroadcastChannel("causeway-try-it");
channel.postMessage({ parameters: Object.fromEntries(new URLSearchParams(location.search)), address: location.pathname });
channel.close();
history.replaceState(null, "", location.pathname);
