//! The header `Accept`: which media type a client prefers.

use axum::http::{HeaderMap, header};

/// The values of `Accept`, each a list of ranges. Without any, everything is accepted.
pub(super) struct Accept<'h>(Vec<&'h str>);

impl<'h> Accept<'h> {
    pub(super) fn of(headers: &'h HeaderMap) -> Self {
        Self(headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The header as it was sent.
    pub(super) fn text(&self) -> String {
        self.0.join(", ")
    }

    /// The quality of a media type in thousandths. The most specific range that matches counts.
    pub(super) fn quality(&self, media_type: &str) -> u32 {
        let ranges = self.0.iter().flat_map(|list| list.split(','));
        let fitting = ranges.filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?;
            let major = name.strip_suffix("/*").filter(|_| name != "*/*");
            let exactness = match major {
                Some(major) => media_type.split('/').next().filter(|own| *own == major).map(|_| 1)?,
                None if name == "*/*" => 0,
                None => name.eq_ignore_ascii_case(media_type).then_some(2)?,
            };
            Some((exactness, weight(parts)))
        });
        fitting.max_by_key(|(exactness, _)| *exactness).map_or(0, |(_, weight)| weight)
    }
}

/// The `q` of a range in thousandths.
pub(super) fn weight<'r>(mut parameters: impl Iterator<Item = &'r str>) -> u32 {
    let given = parameters.find_map(|parameter| parameter.strip_prefix("q="));
    let weight = given.and_then(|text| text.parse::<f32>().ok()).unwrap_or(1.0);
    // A saturating cast: a number outside of 0 to 1 is taken for 0 or 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 1000")]
    let thousandths = (weight.clamp(0.0, 1.0) * 1000.0) as u32;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::Accept;

    #[test]
    fn the_most_exact_range_counts() {
        let accept = Accept(vec!["application/vnd.flcm.snapshot, application/json;q=0.5, */*;q=0.1"]);
        assert_eq!(accept.quality("application/vnd.flcm.snapshot"), 1000);
        assert_eq!(accept.quality("application/json"), 500);
        assert_eq!(accept.quality("application/yaml"), 100);
        assert_eq!(Accept(vec!["application/*;q=0.4", "text/html"]).quality("application/yaml"), 400);
        assert_eq!(Accept(vec!["text/html"]).quality("application/yaml"), 0);
        assert_eq!(Accept(vec!["*/*, application/yaml;q=0"]).quality("application/yaml"), 0);
    }
}
