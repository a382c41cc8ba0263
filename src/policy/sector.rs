//! Sectors (行业) and the routing of industry codes to them, `policies/sectors.toml`.

use serde::Deserialize;

/// A sector with its regulator (行业主管部门).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sector {
    /// Id used in events, keys and routing.
    pub id: String,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Prefixes of GB/T 4754 codes.
    pub industry_codes: Vec<String>,
    /// Where this comes from.
    pub source: String,
}

/// All sectors.
#[derive(Debug, Clone, Default)]
pub struct Sectors {
    list: Vec<Sector>,
    /// Prefix and index of its sector, longest prefix first.
    prefixes: Vec<(String, usize)>,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SectorsFile {
    sector: Vec<Sector>,
}

impl SectorsFile {
    /// Checks the file and returns the sectors; each problem is one sentence.
    pub(super) fn check(self, problems: &mut Vec<String>) -> Sectors {
        let mut prefixes: Vec<(String, usize)> = Vec::new();
        for (index, sector) in self.sector.iter().enumerate() {
            if sector.source.trim().is_empty() {
                problems.push(format!("sector `{}` has no source", sector.id));
            }
            if self.sector.iter().filter(|other| other.id == sector.id).count() > 1 {
                problems.push(format!("sector `{}` is there twice", sector.id));
            }
            for prefix in &sector.industry_codes {
                if prefixes.iter().any(|(other, _)| other == prefix) {
                    problems.push(format!("industry code `{prefix}` is given to two sectors"));
                }
                prefixes.push((prefix.clone(), index));
            }
        }
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Sectors { list: self.sector, prefixes }
    }
}

impl Sectors {
    /// Returns the sector of an industry code, by the longest prefix; `None` is undetermined (待认定).
    #[must_use]
    pub fn of_code(&self, industry_code: &str) -> Option<&Sector> {
        let (_, index) = self.prefixes.iter().find(|(prefix, _)| industry_code.starts_with(prefix.as_str()))?;
        self.list.get(*index)
    }

    /// Returns a sector by its id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Sector> {
        self.list.iter().find(|sector| sector.id == id)
    }

    /// Returns every sector, in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Sector] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policies;

    #[test]
    fn the_longest_prefix_wins_and_the_rest_is_undetermined() {
        let policies = Policies::built_in().unwrap();
        for (code, sector) in [
            ("8040", Some("commerce")),
            ("8392", Some("sport-youth")),
            ("8399", Some("education")),
            ("8020", Some("health")),
            ("8930", Some("sport")),
            ("8110", Some("transport")),
            ("7000", None),
        ] {
            assert_eq!(policies.sectors.of_code(code).map(|sector| sector.id.as_str()), sector, "{code}");
        }
    }
}
