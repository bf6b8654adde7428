//! The order of keys, for those that are added.

/// All keys that documents have. Those of each kind of map are in the order of the schema; a test compares the two.
const KEYS: [&str; 58] = [
    "revision",
    "clients",
    "flag",
    "attribute",
    "operator",
    "name",
    "description",
    "extends",
    "owner",
    "tags",
    "kind",
    "until",
    "client",
    "enabled",
    "default",
    "on",
    "salt",
    "dependencies",
    "overrides",
    "rollout",
    "conditions",
    "at",
    "percentage",
    "by",
    "cohorts",
    "schedule",
    "ramp",
    "weight",
    "value",
    "variant",
    "variants",
    "rules",
    "error_threshold",
    "users",
    "when",
    "except",
    "all",
    "any",
    "not",
    "cohort",
    "rate",
    "window",
    "detector",
    "ratio",
    "margin",
    "budget",
    "min_samples",
    "slow_ms",
    "slow_rate",
    "action",
    "shared",
    "evidence",
    "recovery",
    "cooldown",
    "probe",
    "templates",
    "flags",
    "removed",
];

/// The place of a key among the others; `None` for names that people choose.
pub(super) fn rank(key: &str) -> Option<usize> {
    KEYS.iter().position(|known| *known == key)
}

#[cfg(test)]
mod tests {
    use super::{KEYS, rank};

    /// The fields of each type of the parser, in order. The schema sorts its keys, so the source is read.
    #[test]
    fn keys_are_in_the_order_of_the_schema() {
        let source = include_str!("../parse/document.rs");
        let mut seen = 0;
        for body in source.split("\npub struct ").skip(1) {
            let name = body.split([' ', '<', '(']).next().unwrap();
            let body = body.split("\n}").next().unwrap();
            let fields = body.lines().filter_map(|line| line.strip_prefix("    pub ")?.split_once(':'));
            let fields = fields
                .map(|(field, _)| field)
                .filter(|field| !["shared", "span"].contains(field) || name == "ErrorThreshold");
            if name == "At" || body.starts_with("Entries") || body.starts_with("Budget") {
                continue;
            }
            let ranks: Vec<usize> =
                fields.map(|field| rank(field).unwrap_or_else(|| panic!("`{field}` of {name} is missing"))).collect();
            assert!(ranks.is_sorted(), "{name}");
            seen += ranks.len();
        }
        assert!(seen > KEYS.len() * 9 / 10, "{seen} fields");
    }
}
