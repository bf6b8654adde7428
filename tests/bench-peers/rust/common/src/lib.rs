//! The same workloads and the same measuring as in JavaScript (child.js), for peers in Rust.

mod measure;
mod memory;
mod workload;

use std::hint::black_box;
use std::time::{Duration, Instant};

use measure::measure;
use memory::Memory;
pub use workload::User;
use workload::{eval_keys, expected_share, hit_users, mixed_users, USERS};

/// Requests whose answers are looked at before W5 is timed.
const LOOKED_AT: usize = 1000;

/// One peer. `boolean` and `variant` say whether the flag is on, or gave variant A or B.
pub trait Peer {
    type Ctx;
    fn ctx(&self, user: &User) -> Self::Ctx;
    fn boolean(&self, key: &str, context: &Self::Ctx) -> bool;
    fn variant(&self, key: &str, context: &Self::Ctx) -> bool;
    /// The peer's own call for all flags: the number that are on.
    fn all(&self, _context: &Self::Ctx) -> Option<usize> {
        None
    }
    fn supports(&self, _workload: &str) -> bool {
        true
    }
}

/// What run.js asks for.
pub struct Args {
    pub mode: String,
    pub config: String,
    pub http: String,
    pub peer: String,
    pub n: usize,
    pub warm: Duration,
    pub sample: Duration,
    pub workloads: Vec<String>,
}

pub fn args() -> Args {
    let given: Vec<String> = std::env::args().collect();
    let value = |name: &str| given.iter().position(|word| word == name).and_then(|at| given.get(at + 1)).cloned();
    let text = |name| value(name).unwrap_or_default();
    let number = |name| value(name).map_or(0, |text| text.parse().expect("a number"));
    Args {
        mode: given.get(1).cloned().unwrap_or_default(),
        config: text("--config"),
        http: text("--http"),
        peer: text("--peer"),
        n: number("--n") as usize,
        warm: Duration::from_millis(number("--warm-ms")),
        sample: Duration::from_millis(number("--sample-ms")),
        workloads: text("--workloads").split(',').map(str::to_owned).collect(),
    }
}

/// Measures a peer. `load` takes the bytes of the configuration; it is what W6 times.
pub fn run<P: Peer>(version: &str, load: impl Fn(Vec<u8>, &Args) -> P) {
    let args = args();
    let bytes = std::fs::read(&args.config).unwrap_or_else(|error| panic!("{}: {error}", args.config));
    if args.mode == "boot" {
        boot(&args, version, bytes, load);
    } else {
        evaluate(&args, version, &load(bytes, &args));
    }
    // Threads of the peer are not waited for.
    std::process::exit(0);
}

/// From the configuration's bytes to the first answer, and what stays in memory. The bytes are given away: a peer that
/// keeps them pays for them only if it copies them.
fn boot<P: Peer>(args: &Args, version: &str, bytes: Vec<u8>, load: impl Fn(Vec<u8>, &Args) -> P) {
    let megabytes = bytes.len() as f64 / f64::from(1 << 20);
    let user = hit_users().swap_remove(1);
    let key = format!("w3_{}", args.n - 1);
    let before = Memory::now();
    let start = Instant::now();
    let peer = load(bytes, args);
    let first = peer.variant(&key, &peer.ctx(&user));
    let took = start.elapsed().as_secs_f64() * 1e3;
    let after = Memory::now();
    println!(
        r#"@@{{"kind":"boot","version":"{version}","n":{},"boot_ms":{took:.2},"config_mb":{megabytes:.1},"rss_mb":{:.1},"heap_mb":{:.1},"first":"{first}"}}"#,
        args.n,
        after.resident - before.resident,
        after.in_use - before.in_use,
    );
}

fn evaluate<P: Peer>(args: &Args, version: &str, peer: &P) {
    let (mixed, hits) = (mixed_users(), hit_users());
    let contexts: Vec<_> = mixed.iter().map(|user| peer.ctx(user)).collect();
    let hit_contexts: Vec<_> = hits.iter().map(|user| peer.ctx(user)).collect();
    let boolean = |key, i: usize| usize::from(peer.boolean(black_box(key), &contexts[i]));
    let variant = |contexts: &[P::Ctx], i: usize| usize::from(peer.variant(black_box("w3_0"), &contexts[i]));
    let keys = eval_keys();
    let each = |i: usize| {
        let context = peer.ctx(&mixed[i]);
        let is_on = |flag: &&workload::FlagKey| {
            if flag.has_variants {
                peer.variant(&flag.key, &context)
            } else {
                peer.boolean(&flag.key, &context)
            }
        };
        keys.iter().filter(is_on).count()
    };
    let bench = Bench { args, version, peer, users: &mixed };
    bench.time("W1", 1, |i| boolean("w1_0", i));
    bench.time("W2", 1, |i| boolean("w2_0", i));
    bench.time("W3", 1, |i| variant(&contexts, i));
    bench.time("W3h", 1, |i| variant(&hit_contexts, i));
    bench.time("W4", 1, |i| boolean("w4_0", i));
    bench.time("W5", keys.len(), each);
    if peer.all(&contexts[0]).is_some() {
        bench.time("W5all", keys.len(), |i| peer.all(&peer.ctx(&mixed[i])).unwrap_or(0));
    }
}

struct Bench<'a, P> {
    args: &'a Args,
    version: &'a str,
    peer: &'a P,
    users: &'a [User],
}

impl<P: Peer> Bench<'_, P> {
    /// Looks at the answers, then times them: a peer that does not evaluate the rules would be fast.
    fn time(&self, workload: &str, flags: usize, ask: impl Fn(usize) -> usize) {
        if !self.args.workloads.iter().any(|wanted| wanted == workload) || !self.peer.supports(workload) {
            return;
        }
        let calls = if flags == 1 { USERS } else { LOOKED_AT };
        let flags = flags as f64;
        let share = (0..calls).map(&ask).sum::<usize>() as f64 / calls as f64 / flags;
        let expect = expected_share(workload, self.users);
        let times = measure(self.args, ask);
        println!(
            r#"@@{{"kind":"eval","version":"{}","workload":"{workload}","ns_min":{:.2},"ns_median":{:.2},"batches":{},"share":{share:.4},"expect":{expect:.4},"share_ok":{}}}"#,
            self.version,
            times.least / flags,
            times.median / flags,
            times.batches,
            (share - expect).abs() < 0.02,
        );
    }
}
