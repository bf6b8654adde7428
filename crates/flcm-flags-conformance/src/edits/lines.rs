//! Which lines an edit may touch.

use flcm_flags_config::edit::{Edit, Edited};

use super::steps;
use crate::generate::layout::{Place, Written};

/// The number of the comment of a line. Texts of values never end in `# ` and a number.
pub(super) fn comment_of(line: &str) -> Option<usize> {
    let (_, number) = line.trim_end().rsplit_once("# ")?;
    number.parse().ok()
}

/// The first line below a comment that is more than a comment.
pub(super) fn below_comment(text: &str, number: usize) -> &str {
    below(text.lines().skip_while(|line| comment_of(line) != Some(number)).skip(1))
}

/// The first line that is more than a comment.
fn below<'t>(mut lines: impl Iterator<Item = &'t str>) -> &'t str {
    lines.find(|line| comment_of(line).is_none() || !line.trim().starts_with('#')).unwrap_or_default()
}

pub(super) fn compare(written: &Written, edit: &Edit, edited: &Edited) -> Result<(), String> {
    let old: Vec<&str> = written.text.split_inclusive('\n').collect();
    let new: Vec<&str> = edited.text.split_inclusive('\n').collect();
    ends(&written.text, &edited.text)?;
    reported(&old, &new, edited)?;
    if let Edit::Move { .. } = edit {
        return Ok(());
    }
    // What is left of both when the lines that are the same are taken out.
    let (gone, come) = differences(&old, &new);
    let (most_gone, most_come) = match edit {
        Edit::Insert { .. } => (1, usize::MAX),
        Edit::Remove { .. } => (usize::MAX, 1),
        Edit::Rename { .. } => (1, 1),
        _ => (usize::MAX, usize::MAX),
    };
    if gone.len() > most_gone || come.len() > most_come {
        return Err(format!("these lines went {gone:?}, and these came {come:?}"));
    }
    neighbours(written, edit, &old, &new)
}

/// Line ends, the byte order mark and a missing line end stay.
fn ends(old: &str, new: &str) -> Result<(), String> {
    let of = |text: &str| {
        let returns = text.matches("\r\n").count();
        let lines = text.matches('\n').count();
        (text.starts_with('\u{feff}'), text.ends_with('\n'), returns > 0 || lines == 0, returns == lines)
    };
    let (old, new) = (of(old), of(new));
    let same = (old.0, old.1) == (new.0, new.1) && (old.2 == new.2 || old.3 || new.3) && (new.3 || !new.2 || !old.3);
    if same { Ok(()) } else { Err(format!("line ends were {old:?} and are {new:?}")) }
}

/// The lines that are reported as changed are those that are different.
fn reported(old: &[&str], new: &[&str], edited: &Edited) -> Result<(), String> {
    let mut kept: Vec<&str> = Vec::new();
    let mut line = 0;
    for range in &edited.changed {
        kept.extend(new.get(line..range.start).ok_or("ranges are not in order")?);
        line = range.end;
    }
    kept.extend(new.get(line..).ok_or("a range ends behind the text")?);
    let mut rest = old.iter();
    let all = kept.iter().all(|line| rest.any(|other| other == line));
    if all { Ok(()) } else { Err(format!("{:?} is not all that changed", edited.changed)) }
}

/// The lines of one that the other lacks.
fn differences<'t>(old: &[&'t str], new: &[&'t str]) -> (Vec<&'t str>, Vec<&'t str>) {
    let first = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let most = old.len().min(new.len()) - first;
    let last = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count().min(most);
    let (old, new) = (&old[first..old.len() - last], &new[first..new.len() - last]);
    let lacks = |one: &[&'t str], other: &[&'t str]| {
        let mut other = other.to_vec();
        one.iter()
            .filter(|line| match other.iter().position(|there| there == *line) {
                Some(place) => {
                    other.remove(place);
                    false
                }
                None => true,
            })
            .copied()
            .collect::<Vec<_>>()
    };
    (lacks(old, new), lacks(new, old))
}

/// A comment above something is still above it, and one beside something is still beside it: of all values that are
/// neither what was changed, nor around it, nor inside it.
fn neighbours(written: &Written, edit: &Edit, old: &[&str], new: &[&str]) -> Result<(), String> {
    let (Edit::Insert { path, .. }
    | Edit::Move { path, .. }
    | Edit::Remove { path }
    | Edit::Rename { path, .. }
    | Edit::Set { path, .. }) = edit;
    let path = steps(path);
    for (number, comment) in written.comments.iter().enumerate() {
        let owner = &comment.owner;
        if owner.starts_with(&path) || path.starts_with(owner) || comment.place == Place::Free {
            continue;
        }
        let find = |lines: &[&str]| lines.iter().position(|line| comment_of(line) == Some(number));
        let (Some(before), Some(after)) = (find(old), find(new)) else { continue };
        let of = |lines: &[&str], at: usize| match comment.place {
            // The comment is what comes last: text may have a `#` as well.
            Place::Beside => lines[at].rsplit_once("# ").map_or("", |(before, _)| before).to_owned(),
            _ => below(lines[at + 1..].iter().copied()).to_owned(),
        };
        // A comma may come or go, and what stands on the line may be around what was changed.
        let plain = |text: String| text.trim_start_matches('\u{feff}').trim().trim_end_matches(',').trim().to_owned();
        let (was, is) = (plain(of(old, before)), plain(of(new, after)));
        // What stands first on the line; behind a comma stand others.
        let key = was.split([':', ',']).next().unwrap_or_default();
        // Another value on the line may be what was changed.
        let squashed = |text: &str| text.replace([',', ' '], "");
        let part = squashed(&was).contains(&squashed(&is)) || squashed(&is).contains(&squashed(&was));
        let last = |text: &str| text.rsplit(", ").next().unwrap_or_default().to_owned();
        if !is.starts_with(key) && last(&is) != last(&was) && (is.is_empty() || !part) {
            return Err(format!("comment {number} of {owner:?} stood by `{was}`, and stands by `{is}`"));
        }
    }
    Ok(())
}
