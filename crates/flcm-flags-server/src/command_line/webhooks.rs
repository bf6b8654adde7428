//! Which webhook receives what.

use crate::error::StartError;
use crate::notification::EventKind;

/// What one webhook receives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct EventKinds(Vec<EventKind>);

/// Reads `rollback,hold`.
pub(super) fn kinds(text: &str) -> Result<EventKinds, String> {
    let kind = |name: &str| {
        let known = EventKind::ALL.iter().find(|(known, _)| *known == name.trim());
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let names = EventKind::ALL.map(|(name, _)| name).join(", ");
            format!("`{name}` is no kind of event: choose from {names}, separated by commas")
        })
    };
    text.split(',').map(kind).collect::<Result<_, _>>().map(EventKinds)
}

/// Each address with what it receives.
pub(super) fn pairs(
    option: &str,
    urls: Vec<String>,
    chosen: &[EventKinds],
) -> Result<Vec<(String, Vec<EventKind>)>, StartError> {
    let all = EventKinds(EventKind::ALL.map(|(_, kind)| kind).to_vec());
    let kinds: Vec<&EventKinds> = match chosen {
        [] => vec![&all; urls.len()],
        [each] => vec![each; urls.len()],
        several if several.len() == urls.len() => several.iter().collect(),
        several => {
            let what = format!("{option}-events is given {} times, and {option} {} times", several.len(), urls.len());
            return Err(StartError::other(what, "give it once for all addresses, or once for each"));
        }
    };
    Ok(urls.into_iter().zip(kinds).map(|(url, EventKinds(kinds))| (url, kinds.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::{EventKinds, kinds, pairs};
    use crate::notification::EventKind::{Hold, Publish, Refused, Rollback};

    #[test]
    fn kinds_are_named_and_separated_by_commas() {
        assert_eq!(kinds("rollback, hold"), Ok(EventKinds(vec![Rollback, Hold])));
        assert!(kinds("rolback").unwrap_err().contains("choose from hold, publish, refused, rollback"));
        assert!(kinds("").is_err());
    }

    #[test]
    fn each_address_receives_what_is_chosen_for_it_or_for_all() {
        let (hold, publish) = (EventKinds(vec![Hold]), EventKinds(vec![Publish]));
        let of = |chosen: &[EventKinds]| {
            let made = pairs("--webhook", vec!["a".to_owned(), "b".to_owned()], chosen);
            made.map(|pairs| pairs.into_iter().map(|(_, kinds)| kinds).collect::<Vec<_>>())
        };
        let all = vec![Hold, Publish, Refused, Rollback];
        assert_eq!(of(&[]).unwrap(), [all.clone(), all]);
        assert_eq!(of(std::slice::from_ref(&hold)).unwrap(), [[Hold], [Hold]]);
        assert_eq!(of(&[hold.clone(), publish.clone()]).unwrap(), [[Hold], [Publish]]);
        let error = format!("{:?}", of(&[hold.clone(), publish, hold]).unwrap_err());
        assert!(error.contains("--webhook-events is given 3 times"), "{error}");
    }
}
