export function HostsPage() { return <h1>HostsPage</h1>; }
