//! The example for several machines, `docker-compose.yml`, as far as it can be held without Docker: what starts with which profile, that
//! every name it uses is defined, whose the keys are, and that its settings are ones that this program takes.
//!
//! What this does not prove: that the images are what their names say, and that anything starts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use warnlight::settings::Settings;

const FILE: &str = include_str!("../../docker-compose.yml");
const DEFAULT: [&str; 6] = ["db1", "db2", "mailpit", "proxy", "warnlight1", "warnlight2"];

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The lines that belong to the one at `at`: those after it that are further in.
fn below<'a>(lines: &[&'a str], at: usize) -> Vec<&'a str> {
    let deeper = |line: &&&str| line.trim().is_empty() || indent(line) > indent(lines[at]);
    lines[at + 1..].iter().take_while(deeper).copied().collect()
}

/// Entries by name, each with its lines.
fn entries<'a>(lines: &[&'a str], depth: usize) -> BTreeMap<&'a str, Vec<&'a str>> {
    let is_entry = |line: &str| indent(line) == depth && !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let places = (0..lines.len()).filter(|at| is_entry(lines[*at]));
    places.map(|at| (lines[at].trim().split(':').next().unwrap(), below(lines, at))).collect()
}

fn section(name: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let lines: Vec<&str> = FILE.lines().collect();
    let at = lines.iter().position(|line| *line == format!("{name}:")).unwrap();
    entries(&below(&lines, at), 2)
}

/// The lines of what is defined under an anchor.
fn anchored(name: &str) -> Vec<&'static str> {
    let lines: Vec<&str> = FILE.lines().collect();
    let at =
        lines.iter().position(|line| line.ends_with(&format!(" &{name}"))).unwrap_or_else(|| panic!("no `&{name}`"));
    below(&lines, at)
}

/// Returns the lines of an entry with a name, its own before those that it merges.
fn value(lines: &[&'static str], name: &str) -> Option<(&'static str, Vec<&'static str>)> {
    let depth = lines.iter().find(|line| !line.trim().is_empty()).map(|line| indent(line))?;
    let own = |line: &&str| indent(line) == depth && line.trim_start().starts_with(&format!("{name}:"));
    if let Some(at) = lines.iter().position(own) {
        return Some((lines[at].split_once(':').unwrap().1.trim(), below(lines, at)));
    }
    let merged =
        lines.iter().filter(|line| indent(line) == depth).find_map(|line| line.trim().strip_prefix("<<: *"))?;
    value(&anchored(merged), name)
}

fn started_with(profile: &str) -> BTreeSet<&'static str> {
    let with = |lines: &Vec<&'static str>| match value(lines, "profiles") {
        Some((profiles, _)) => profiles == format!("[{profile}]"),
        None => profile.is_empty(),
    };
    section("services").into_iter().filter(|(_, lines)| with(lines)).map(|(name, _)| name).collect()
}

#[test]
fn by_default_two_nodes_start_on_postgresql_with_a_standby_and_kurrentdb_by_its_profile() {
    assert_eq!(started_with(""), DEFAULT.into());
    let servers = ["certificates", "kurrentdb1", "kurrentdb2", "kurrentdb3"];
    let nodes = ["kurrentdb-node1", "kurrentdb-node2", "kurrentdb-proxy"];
    assert_eq!(started_with("kurrentdb"), servers.into_iter().chain(nodes).collect());
    for (nodes, wanted) in
        [(["warnlight1", "warnlight2"], "postgres://"), (["kurrentdb-node1", "kurrentdb-node2"], "esdb://")]
    {
        for node in nodes {
            let (_, environment) = value(&section("services")[node], "environment").unwrap();
            let (url, _) = value(&environment, "WARNLIGHT__LOG__URL").unwrap();
            assert!(url.contains(wanted), "{node}: {url}");
        }
    }
}

#[test]
fn every_name_that_is_used_is_defined_and_every_volume_and_configuration_is_used() {
    let services = section("services");
    let (mut volumes, mut configs) = (BTreeSet::new(), BTreeSet::new());
    for (service, lines) in &services {
        let (_, waited_for) = value(lines, "depends_on").unwrap_or_default();
        for name in entries(&waited_for, waited_for.first().map_or(0, |line| indent(line))).keys() {
            assert!(services.contains_key(name), "`{service}` waits for `{name}`");
            let starts = DEFAULT.contains(service);
            assert!(!starts || DEFAULT.contains(name), "`{service}` starts by default and waits for `{name}`");
        }
        let (_, mounts) = value(lines, "volumes").unwrap_or_default();
        volumes.extend(mounts.iter().filter_map(|line| line.trim().strip_prefix("- ")?.split(':').next()));
        let (_, taken) = value(lines, "configs").unwrap_or_default();
        configs.extend(taken.iter().filter_map(|line| line.trim().strip_prefix("- source: ")));
    }
    assert_eq!(volumes, section("volumes").into_keys().collect());
    assert_eq!(configs, section("configs").into_keys().collect());
    for alias in FILE.lines().filter_map(|line| line.split_once(": *")).map(|(_, alias)| alias) {
        let anchor = format!("&{alias}");
        assert!(FILE.split_whitespace().any(|word| word == anchor), "`*{alias}` names nothing");
    }
}

#[test]
fn the_servers_of_kurrentdb_own_their_keys_and_every_certificate_that_is_named_is_made() {
    let script = value(&section("services")["certificates"], "command").unwrap().1.join("\n");
    assert!(script.contains("for n in 1 2 3; do") && script.contains("-out ./kurrentdb$$n "), "{script}");
    // Images from 26.0 on run as this user, and keys are for their owner only.
    assert!(script.contains("chown -R 1001:1001 ./kurrentdb$$n"), "{script}");
    let mut made = BTreeSet::from(["/certs/ca".to_owned(), "/certs/ca/ca.crt".to_owned()]);
    assert!(script.contains("cp authority/ca.crt ca/ca.crt"), "{script}");
    made.extend((1..=3).flat_map(|n| ["crt", "key"].map(|kind| format!("/certs/kurrentdb{n}/node.{kind}"))));
    let mut named = 0;
    for line in FILE.lines().filter(|line| !line.trim_start().starts_with("- ")) {
        let Some((_, path)) = line.split_once("/certs/") else { continue };
        let path = format!("/certs/{}", path.trim_end_matches('"'));
        assert!(made.contains(&path), "nobody makes `{path}`");
        named += 1;
    }
    assert_eq!(named, 3 * 2 + 2, "two for each server, their root, and the root that the nodes trust");
}

#[test]
fn the_settings_of_the_nodes_are_ones_that_the_program_takes() {
    let (_, told) = value(&section("services")["warnlight1"], "environment").unwrap();
    let names = told.iter().filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name);
    let settings: HashMap<String, String> = names
        .filter(|name| name.starts_with("WARNLIGHT__"))
        .map(|name| {
            let (said, _) = value(&told, name).unwrap();
            // What the operator exports is a secret, whatever it is.
            let parts = said.split("${").enumerate().map(|(at, part)| match at {
                0 => part.to_owned(),
                _ => "0123456789abcdef".repeat(3) + part.split_once('}').unwrap().1,
            });
            (name.to_owned(), parts.collect::<String>().trim_matches('"').to_owned())
        })
        .collect();
    assert!(settings.len() >= 8, "{settings:?}");
    Settings::from_layers(None, settings).unwrap();
}

#[test]
fn the_ports_that_are_published_are_listened_on_and_the_user_of_the_files_is_that_of_the_image() {
    const IMAGE: &str = include_str!("../../Dockerfile");
    let said = |name: &str| IMAGE.lines().find_map(|line| line.split_once(name)).unwrap().1.split_whitespace().next();
    let (services, configs) = (section("services"), section("configs"));
    let listens = said("EXPOSE ").unwrap();
    assert_eq!(said("HTTP__LISTEN=0.0.0.0:"), Some(listens));
    for (proxy, node) in [("proxy", "warnlight1"), ("kurrentdb-proxy", "kurrentdb-node1")] {
        let (_, published) = value(&services[proxy], "ports").unwrap();
        let ports: Vec<&str> = published[0].trim().trim_start_matches("- 127.0.0.1:").split(':').collect();
        let [outside, inside] = ports[..] else { panic!("{proxy}: {ports:?}") };
        let rules = configs[proxy].join("\n");
        assert!(rules.contains(&format!("listen {inside};")), "{proxy}: {rules}");
        let servers: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("server ")).collect();
        let nodes: Vec<&str> = servers
            .iter()
            .filter_map(|server| server.split(' ').next()?.split_once(':'))
            .map(|(name, port)| {
                assert_eq!(port, listens, "{proxy}: {name}");
                name
            })
            .collect();
        assert_eq!(nodes.len(), 2, "{proxy}: {servers:?}");
        assert!(nodes.iter().all(|name| services.contains_key(name)) && nodes.contains(&node), "{proxy}: {nodes:?}");
        let (_, environment) = value(&services[node], "environment").unwrap();
        let (url, _) = value(&environment, "WARNLIGHT__HTTP__PUBLIC_URL").unwrap();
        assert_eq!(url, format!("http://127.0.0.1:{outside}"), "{proxy}");
    }
    let owner = format!("/var/lib/warnlight:uid={},", said("--uid ").unwrap());
    let (_, kept) = value(&services["key"], "tmpfs").unwrap();
    assert!(kept.iter().any(|line| line.contains(&owner)), "{kept:?}");
}
