export function CohortsPage() { return <h1>CohortsPage</h1>; }
