//! The demonstration, as somebody meets it who has never seen it.

use super::*;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Child;

/// A demonstration under way; ended when dropped.
struct Shown {
    process: Child,
    address: String,
    folder: PathBuf,
}

impl Drop for Shown {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // Killed, it could not clear up behind itself.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Shown {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_warnlight"))
            .args(["demo", "--merchants", "40", "--day", "86400", "--lang", "en"])
            .env_clear()
            .env("WARNLIGHT__HTTP__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut line = |begin: &str| lines.find_map(|line| Some(line.strip_prefix(begin)?.to_owned())).unwrap();
        let address = line("open ");
        let keys = PathBuf::from(line("keys for the API: "));
        Self { process, address, folder: keys.parent().unwrap().to_owned() }
    }

    fn get(&self, path: &str, cookie: &str) -> String {
        let answer = self
            .agent()
            .get(format!("{}{path}", self.address))
            .header("accept-language", "en")
            .header("cookie", cookie)
            .call()
            .unwrap();
        answer.into_body().read_to_string().unwrap()
    }

    fn post(&self, path: &str, cookie: &str, form: &[(&str, &str)]) -> ureq::http::Response<ureq::Body> {
        let request = self.agent().post(format!("{}{path}", self.address));
        request
            .header("accept-language", "en")
            .header("cookie", cookie)
            .header("accept", "text/html")
            .send_form(form.iter().copied())
            .unwrap()
    }

    fn agent(&self) -> ureq::Agent {
        ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into()
    }
}

/// What stands between two pieces of a text, the first time.
fn between<'a>(text: &'a str, from: &str, until: &str) -> &'a str {
    let behind = text.split_once(from).unwrap_or_else(|| panic!("{from} is not in {text}")).1;
    behind.split_once(until).unwrap().0
}

#[test]
fn one_click_lets_anybody_in_and_another_lets_a_day_pass() {
    let shown = Shown::start();
    let doors = shown.get("/login", "");
    for role in ["Lead office", "Regulator", "Mall"] {
        assert!(doors.contains(&format!("<strong>{role}</strong>")), "{role}: {doors}");
    }
    // The keys lie where only this user reads them, for whoever wants to ask the API.
    let keys = shown.folder.join("keys.txt");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&keys).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let lead = between(&doors, "name=\"key\" value=\"", "\"").to_owned();
    assert!(std::fs::read_to_string(keys).unwrap().contains(&lead));
    let entered = shown.post("/login", "", &[("key", &lead), ("next", "/?light=red")]);
    assert_eq!((entered.status().as_u16(), &entered.headers()["location"]), (303, &"/?light=red".parse().unwrap()));
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let board = shown.get("/?light=red", &cookie);
    let day = |page: &str| between(page, "datetime=\"2025-", "T").to_owned();
    assert!(board.contains("Let a day pass"), "{board}");
    assert_eq!(day(&board), "09-22");
    let (token, here) = (between(&board, "name=\"form_token\" value=\"", "\""), "/?light=red");
    let passed = shown.post("/demo/day", &cookie, &[("form_token", token), ("next", here)]);
    assert_eq!((passed.status().as_u16(), &passed.headers()["location"]), (303, &here.parse().unwrap()));
    assert_eq!(day(&shown.get(here, &cookie)), "09-23");
    // Neither without log-in nor from another site.
    let stranger = shown.post("/demo/day", "", &[]);
    assert!(stranger.headers()["location"].to_str().unwrap().starts_with("/login"), "{stranger:?}");
    assert_eq!(shown.post("/demo/day", &cookie, &[("form_token", "x")]).status().as_u16(), 403);
    assert_eq!(day(&shown.get(here, &cookie)), "09-23");
}

#[test]
fn the_tour_leads_from_stop_to_stop_to_its_end() {
    let shown = Shown::start();
    let doors = shown.get("/login", "");
    let begin = between(&doors, "<form method=\"post\" action=\"/login\">", "</form>").to_owned();
    assert!(begin.contains("A tour of ten stops"), "{doors}");
    let (mut way, mut cookie, mut stops) = (begin, String::new(), Vec::new());
    loop {
        let attribute = |name: &str| between(&way, &format!("{name}=\""), "\"").replace("&amp;", "&");
        let path = if way.contains("name=\"key\"") {
            let (next, key) = (attribute("name=\"next\" value"), attribute("name=\"key\" value"));
            let entered = shown.post("/login", "", &[("key", &key), ("next", &next)]);
            cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
            next
        } else {
            attribute("href")
        };
        let page = shown.get(&path, &cookie);
        let bar = between(&page, "<aside class=\"note tour", "</aside>").to_owned();
        stops.push(between(&bar, "Tour ", " / 10").parse::<usize>().unwrap());
        // What leads on stands behind what leads back.
        let Some((before, _)) = bar.split_once(">Next") else { break };
        let begins = before.rfind("<form").max(before.rfind("<a ")).unwrap();
        way = before.split_at(begins).1.to_owned();
    }
    assert!(stops.is_sorted() && stops.len() > 7 && stops.last() == Some(&10), "{stops:?}");
}
