export function FlagPage({ flag }: { flag: string }) { return <h1>{flag}</h1>; }
