/// Megabytes, after what is free has been given back.
pub struct Memory {
    pub resident: f64,
    pub in_use: f64,
}

impl Memory {
    pub fn now() -> Self {
        // SAFETY: both take no pointer and may be called at any time.
        let allocated = unsafe {
            libc::malloc_trim(0);
            libc::mallinfo2()
        };
        let megabytes = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        Self { resident: megabytes(resident()), in_use: megabytes(allocated.uordblks + allocated.hblkhd) }
    }
}

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("a Linux machine");
    pages.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number") * 4096
}
