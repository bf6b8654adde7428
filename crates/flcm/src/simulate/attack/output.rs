//! What strangers achieve, as text and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Attack, MOST, NETWORKS, Results};
use crate::simulate::output::{brief, paint};
use crate::style::{BAD, DIM, GOOD, NAME, shown};

/// The width of the first column.
const WIDTH: usize = 50;

pub(in crate::simulate) fn text<B>(key: &str, attack: &Attack<'_, B>, results: &Results) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(key, attack, results, &mut text);
    text
}

fn write_text<B>(key: &str, attack: &Attack<'_, B>, results: &Results, text: &mut String) -> std::fmt::Result {
    let (traffic, runs) = (attack.traffic, attack.runs);
    writeln!(text, "{}", paint(NAME, &shown(key)))?;
    writeln!(text, "  evidence of {}; {} requests/s each", attack.policy.evidence, traffic.requests)?;
    writeln!(text, "  honest pages are in {} networks", attack.networks)?;
    let columns = NETWORKS.map(|liars| match liars {
        0 => "no attack".to_owned(),
        1 => "1 network".to_owned(),
        more => format!("{more} networks"),
    });
    row(text, NAME, "  a stranger with the public key, in", &columns)?;
    let delays = |delays: &[Option<u64>]| -> Vec<String> {
        delays.iter().map(|delay| delay.map_or_else(|| "never".to_owned(), brief)).collect()
    };
    for (delays_of, what) in [
        (&results.hidden_on_servers, "  hides that it fails on servers: rolled back in"),
        (&results.hidden_on_pages, "  hides that it fails on pages: rolled back in"),
    ] {
        match delays_of {
            Some(of) => row(text, DIM, what, &delays(of))?,
            None => row(text, DIM, what, &["no evidence".to_owned()])?,
        }
    }
    row(text, DIM, "  switches it off although it is well: in", &delays(&results.switched_off))?;
    match &results.ended_probes {
        Some(ended) => {
            let ended: Vec<String> = ended.iter().map(|ended| format!("{ended} of {runs}")).collect();
            row(text, DIM, "  ends a probe although it fails", &ended)?;
        }
        None => row(text, DIM, "  ends a probe although it fails", &["not probed".to_owned()])?,
    }
    let (colour, needed) = match results.needed {
        Some(needed) => (BAD, format!("{needed} networks switch it off within an hour although it is well")),
        None => (GOOD, format!("{MOST} networks do not switch it off within an hour")),
    };
    writeln!(text, "  {}", paint(colour, &needed))
}

fn row(text: &mut String, style: anstyle::Style, what: &str, cells: &[String]) -> std::fmt::Result {
    write!(text, "{}", paint(style, &format!("{what:<WIDTH$}")))?;
    for cell in cells {
        write!(text, "{cell:>14}")?;
    }
    writeln!(text)
}

pub(in crate::simulate) fn json<B>(key: &str, attack: &Attack<'_, B>, results: &Results) -> Value {
    let Results { hidden_on_servers, hidden_on_pages, switched_off, ended_probes, needed } = results;
    json!({
        "flag": key,
        "evidence": attack.policy.evidence.as_str(),
        "requestsPerSecond": attack.traffic.requests,
        "honestNetworks": attack.networks,
        "networks": NETWORKS,
        "runs": attack.runs,
        "seed": attack.seed,
        "rollbackSeconds": { "failsOnServers": hidden_on_servers, "failsOnPages": hidden_on_pages, "healthy": switched_off },
        "endedProbes": ended_probes,
        "networksNeeded": needed,
    })
}
