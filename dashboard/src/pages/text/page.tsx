export function TextPage() { return <h1>TextPage</h1>; }
