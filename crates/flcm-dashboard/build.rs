//! Embeds `dist/`, if it was made for this version of the interface. Needs no network, no Node and no dependency.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What a dashboard is made for. A published package does not have it: it was made as a whole.
const CONTRACT: &str = "../../schema/openapi.json";

const HELP: &str = "the program has no dashboard: `npx --yes rust-just@1.57.0 dashboard` makes it";

fn main() {
    // The folder and not `dist`: what is missing would be looked for in each build.
    println!("cargo::rerun-if-changed=.");
    println!("cargo::rerun-if-changed={CONTRACT}");
    let mut files = Vec::new();
    match fs::read_to_string("dist/manifest.json") {
        Err(_) => println!("cargo::warning={HELP}"),
        Ok(manifest) if is_current(&manifest) => list(Path::new("dist"), &mut files),
        Ok(_) => println!("cargo::warning=dist/ was made for another version of the interface, so {HELP}"),
    }
    let mut assets: Vec<String> = files.iter().filter_map(|path| asset(path)).collect();
    assets.sort_unstable();
    let text = format!("static ASSETS: &[(&str, Asset)] = &[{}];\n", assets.concat());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("assets.rs");
    fs::write(out, text).expect("the folder of the build can be written");
}

/// Whether the manifest names the SHA-256 of the interface, as `GET /meta` does.
fn is_current(manifest: &str) -> bool {
    fs::read(CONTRACT).ok().is_none_or(|text| manifest.contains(&format!("\"{}\"", sha256(&text))))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}

/// The line of a file that has both compressed forms.
fn asset(path: &Path) -> Option<String> {
    let beside = |ending: &str| {
        let path = fs::canonicalize(format!("{}.{ending}", path.to_str()?)).ok()?;
        Some(path.to_str()?.to_owned())
    };
    let (gzip, brotli) = (beside("gz")?, beside("br")?);
    let name = path.strip_prefix("dist").ok()?.to_str()?.replace('\\', "/");
    let (media_type, etag) = (media_type(path)?, sha256(&fs::read(path).ok()?));
    Some(format!(
        "({name:?}, Asset {{ media_type: {media_type:?}, etag: {:?}, gzip: include_bytes!({gzip:?}), \
         brotli: include_bytes!({brotli:?}) }}),\n",
        format!("\"{}\"", &etag[..32]),
    ))
}

fn media_type(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()? {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// SHA-256 (FIPS 180-4), whose constants are the first bits of roots of primes.
fn sha256(bytes: &[u8]) -> String {
    let primes: Vec<u128> = (2..).filter(|n| (2..*n).all(|d| n % d != 0)).take(64).collect();
    let bits = |power: u32, number: u128| low(root(power, number << (32 * power)));
    let rounds: Vec<u32> = primes.iter().map(|prime| bits(3, *prime)).collect();
    let mut state: Vec<u32> = primes.iter().take(8).map(|prime| bits(2, *prime)).collect();
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    padded.resize((bytes.len() + 9).next_multiple_of(64) - 8, 0);
    padded.extend((bytes.len() as u64 * 8).to_be_bytes());
    padded.chunks(64).for_each(|block| compress(&mut state, block, &rounds));
    state.iter().fold(String::new(), |mut text, word| {
        let _ = write!(text, "{word:08x}");
        text
    })
}

fn compress(state: &mut [u32], block: &[u8], rounds: &[u32]) {
    let mut words: Vec<u32> =
        block.chunks(4).map(|four| four.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect();
    for at in 16..64 {
        let (a, b) = (words[at - 15], words[at - 2]);
        let (s0, s1) = (turn(a, 7) ^ turn(a, 18) ^ a >> 3, turn(b, 17) ^ turn(b, 19) ^ b >> 10);
        words.push(sum(&[words[at - 16], s0, words[at - 7], s1]));
    }
    let mut own = state.to_vec();
    for (word, round) in words.iter().zip(rounds) {
        let (a, e) = (own[0], own[4]);
        let choice = e & own[5] ^ !e & own[6];
        let majority = a & own[1] ^ a & own[2] ^ own[1] & own[2];
        let first = sum(&[own[7], turn(e, 6) ^ turn(e, 11) ^ turn(e, 25), choice, *round, *word]);
        let second = sum(&[turn(a, 2) ^ turn(a, 13) ^ turn(a, 22), majority]);
        own.rotate_right(1);
        own[0] = sum(&[first, second]);
        own[4] = sum(&[own[4], first]);
    }
    state.iter_mut().zip(own).for_each(|(word, own)| *word = sum(&[*word, own]));
}

const fn turn(word: u32, bits: u32) -> u32 {
    word.rotate_right(bits)
}

fn sum(words: &[u32]) -> u32 {
    words.iter().fold(0, |sum, word| sum.wrapping_add(*word))
}

/// The whole part of a root.
fn root(power: u32, number: u128) -> u128 {
    let (mut low, mut high) = (0, 1_u128 << 42);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if middle.pow(power) <= number { low = middle } else { high = middle - 1 }
    }
    low
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
const fn low(number: u128) -> u32 {
    number as u32
}
