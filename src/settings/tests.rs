use super::*;
use std::time::Duration;

fn read(file: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("warnlight.toml");
    std::fs::write(&path, file).unwrap();
    let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Settings::from_layers(Some(&path), variables)
}

fn problems(file: &str, variables: &[(&str, &str)]) -> Vec<Problem> {
    match read(file, variables) {
        Err(SettingsError::Wrong(problems)) => problems,
        other => panic!("expected problems, got {other:?}"),
    }
}

/// The keys of the defaults file, commented out or not, with their section.
fn documented_keys() -> Vec<String> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ")
            && key.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
        {
            keys.push(format!("{section}.{key}"));
        }
    }
    keys
}

#[test]
fn without_file_and_environment_the_defaults_hold() {
    let settings = Settings::from_layers(None, HashMap::new()).unwrap();
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8480");
    assert_eq!(settings.http.base_url(), "http://127.0.0.1:8480");
    assert_eq!(settings.mail.schedule.len(), 6);
    assert_eq!(settings.mail.message_id_domain, "localhost");
    assert_eq!(settings.mail.smtp, None);
    assert_eq!(settings.session.secret, None);
    assert_eq!(settings.log.max_behind, Duration::from_secs(10));
    assert_eq!(settings.http.position_patience, Duration::from_secs(5));
    assert_eq!(settings.http.questions_at_once, None);
    assert_eq!(settings.http.body_patience, Duration::from_secs(30));
    assert_eq!((settings.http.bodies_per_sender, settings.http.bodies), (33_554_432, 134_217_728));
    assert_eq!((settings.http.questions_waiting, settings.http.question_limit), (128, Duration::from_secs(10)));
}

#[test]
fn the_defaults_file_documents_exactly_the_keys_that_are_read() {
    // Given a wrong value for every documented key, every documented key complains, and none as unknown.
    let keys = documented_keys();
    assert!(keys.len() > 15, "{keys:?}");
    let variables: Vec<(String, String)> =
        keys.iter().map(|key| (format!("WARNLIGHT__{}", key.replace('.', "__").to_uppercase()), "x".into())).collect();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    for problem in problems("", &variables) {
        assert!(!problem.message.contains("no such setting"), "{problem}");
    }
    // And a section asked for a key it does not document would show in its list of known keys.
    for section in ["log", "http", "session", "mail", "mail.smtp", "policies", "trace"] {
        let found = problems(&format!("[{section}]\nqqqqqqqqqqqq = 1"), &[]);
        let known = found[0].message.split_once("known here: ").unwrap().1;
        for key in known.split(", ").filter(|key| *key != "smtp") {
            assert!(keys.contains(&format!("{section}.{key}")), "`{section}.{key}` is read but not documented");
        }
    }
}

#[test]
fn the_environment_comes_after_the_file_and_the_file_after_the_defaults() {
    let settings =
        read("[http]\nlisten = \"127.0.0.1:1111\"\nworkers = 2", &[("WARNLIGHT__HTTP__LISTEN", "[::1]:2222")]).unwrap();
    assert_eq!(settings.http.listen.to_string(), "[::1]:2222");
    assert_eq!(settings.http.workers, Some(2));
    assert_eq!(settings.http.body_limit, 8_388_608);
}

#[test]
fn numbers_and_lists_can_come_as_texts() {
    let settings = read(
        "",
        &[
            ("WARNLIGHT__HTTP__WORKERS", "3"),
            ("WARNLIGHT__MAIL__SCHEDULE", "1, 2,30"),
            ("WARNLIGHT__MAIL__SENDERS", ""),
        ],
    )
    .unwrap();
    assert_eq!(settings.http.workers, Some(3));
    assert_eq!(settings.mail.schedule, [1, 2, 30].map(Duration::from_secs));
    assert_eq!(settings.mail.senders, 4, "an empty variable counts as unset");
}

#[test]
fn keys_that_are_trusted_come_as_a_list_or_with_commas_and_only_as_keys() {
    let keys = ["00".repeat(32), "a1".repeat(32)];
    let listed = format!("[log]\ntrusted_keys = {keys:?}\nsigning_key = \"/run/key.pem\"");
    let settings = read(&listed, &[]).unwrap();
    assert_eq!(settings.log.checkpoints.trusted_keys.iter().map(ToString::to_string).collect::<Vec<_>>(), keys);
    assert_eq!(settings.log.checkpoints.signing_key.as_deref(), Some(Path::new("/run/key.pem")));
    let variable = format!("{}, {}", keys[0], keys[1]);
    let told = read("", &[("WARNLIGHT__LOG__TRUSTED_KEYS", &variable)]).unwrap();
    assert_eq!(told.log.checkpoints.trusted_keys, settings.log.checkpoints.trusted_keys);
    assert_eq!(read("", &[]).unwrap().log.checkpoints, Checkpoints::default());
    for wrong in ["[1]".to_owned(), format!("[\"{}\"]", "A1".repeat(32)), format!("[\"{}\", \"\"]", keys[1])] {
        let found = problems(&format!("[log]\ntrusted_keys = {wrong}"), &[]);
        assert_eq!((found.len(), found[0].key.as_str()), (1, "log.trusted_keys"), "{wrong}");
    }
}

#[test]
fn every_problem_is_reported_at_once_with_its_place_and_a_way_out() {
    let found = problems(
        "colour = 1\n[http]\nlisten = \"everywhere\"\nworkers = 0\nlisen = 1\n[session]\nsecret = \"short\"\n\
         [mail]\nschedule = [5, -1]\nfrom = \"nobody\"\n[mail.smtp]\nuser = \"u\"\ntls = \"maybe\"",
        &[
            ("WARNLIGHT__LOG__URL", "postgres://u:geheim@somewhere/log?sslmode=prefer"),
            ("WARNLIGHT__POLICIES__DIR", "/nowhere/at/all"),
        ],
    );
    let keys: Vec<&str> = found.iter().map(|problem| problem.key.as_str()).collect();
    for key in [
        "colour",
        "http.listen",
        "http.workers",
        "http.lisen",
        "session.secret",
        "mail.schedule",
        "mail.from",
        "mail.smtp.password",
        "mail.smtp.tls",
        "log.url",
        "policies.dir",
    ] {
        assert!(keys.contains(&key), "`{key}` is missing in {keys:?}");
    }
    assert_eq!(keys.len(), 11, "{keys:?}");
    assert!(!format!("{found:?}").contains("geheim"), "a password is shown in {found:?}");
    let slip = found.iter().find(|problem| problem.key == "http.lisen").unwrap();
    assert!(slip.message.contains("did you mean `listen`?"), "{slip}");
    assert!(slip.origin.as_deref().unwrap().ends_with("warnlight.toml"), "{slip:?}");
}

#[test]
fn a_section_that_is_no_section_is_one_problem() {
    let found = problems("", &[("WARNLIGHT__HTTP", "yes")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].key.as_str(), found[0].origin.as_deref()), ("http", Some("the environment")));
}

#[test]
fn a_password_never_crosses_the_network_in_plain_text() {
    let account = "from = \"w@example.org\"\n[mail.smtp]\ntls = \"none\"\nuser = \"u\"\npassword = \"p\"\n";
    let found = problems(&format!("[mail]\n{account}host = \"mail.example.org\""), &[]);
    assert_eq!(found[0].key, "mail.smtp.tls");
    assert!(read(&format!("[mail]\n{account}host = \"127.0.0.1\""), &[]).is_ok());
}

#[test]
fn a_claim_outlasts_a_conversation_with_the_mail_server() {
    for patience in [1, 30, 300] {
        let shortest = patience * u64::from(ANSWERS) + CLAIM_MARGIN.as_secs();
        let mail = format!("[mail]\ntimeout_seconds = {patience}\n");
        let settings = read(&mail, &[]).unwrap();
        assert_eq!(settings.mail.claim, Duration::from_secs(shortest), "unset, it goes with the timeout");
        assert_eq!(settings.mail.claim, settings.mail.conversation() + CLAIM_MARGIN);
        assert!(read(&format!("{mail}claim_seconds = {shortest}"), &[]).is_ok());
        let found = problems(&format!("{mail}claim_seconds = {}", shortest - 1), &[]);
        assert_eq!(found[0].key, "mail.claim_seconds");
        assert!(found[0].message.contains(&format!("at least {shortest} ")), "{}", found[0]);
    }
}

#[test]
fn an_authority_of_ones_own_goes_with_encryption() {
    let mail = |tls: &str| {
        format!("[mail]\nfrom = \"a@b.cn\"\n[mail.smtp]\nhost = \"h\"\nca_file = \"/etc/ca.pem\"\ntls = \"{tls}\"")
    };
    for tls in ["starttls", "tls"] {
        let smtp = read(&mail(tls), &[]).unwrap().mail.smtp.unwrap();
        assert_eq!(smtp.ca_file, Some("/etc/ca.pem".into()));
    }
    assert_eq!(problems(&mail("none"), &[])[0].key, "mail.smtp.ca_file");
}

#[test]
fn a_mail_server_needs_a_real_sender_and_has_a_usual_port() {
    assert_eq!(problems("[mail.smtp]\nhost = \"mail.example.org\"", &[])[0].key, "mail.from");
    let settings = read("[mail]\nfrom = \"a@b.cn\"\n[mail.smtp]\nhost = \"mail.example.org\"", &[]).unwrap();
    let smtp = settings.mail.smtp.unwrap();
    assert_eq!((smtp.port, smtp.tls), (587, Tls::StartTls));
    assert_eq!(settings.mail.message_id_domain, "b.cn");
}

#[test]
fn secrets_do_not_show() {
    let settings = read(
        "[session]\nsecret = \"0123456789abcdef0123456789abcdef\"\n[mail]\nfrom = \"a@b.cn\"\n\
         [mail.smtp]\nhost = \"h\"\nuser = \"u\"\npassword = \"hunter2hunter2\"",
        &[],
    )
    .unwrap();
    let shown = format!("{settings:?}");
    assert!(!shown.contains("0123456789abcdef") && !shown.contains("hunter2"), "{shown}");
    let shown = format!("{:?}", problems("[session]\nsecret = \"tooshort\"", &[]));
    assert!(!shown.contains("tooshort"), "{shown}");
}

#[test]
fn listening_to_other_machines_takes_a_secret_and_a_key() {
    let open = [("WARNLIGHT__HTTP__LISTEN", "0.0.0.0:8480")];
    let bare = read("", &open).unwrap();
    let Err(SettingsError::Exposed { missing, .. }) = bare.check_exposure(false) else { panic!("let it pass") };
    assert_eq!(missing.len(), 3, "{missing:?}");
    assert!(bare.check_exposure(true).is_err());
    let ready = read("[session]\nsecret = \"0123456789abcdef0123456789abcdef\"", &open).unwrap();
    assert!(ready.check_exposure(false).is_err());
    assert!(ready.check_exposure(true).is_ok());
    assert!(read("", &[]).unwrap().check_exposure(false).is_ok());
}

#[test]
fn nodes_of_one_log_take_a_common_secret() {
    let bare = read("", &[]).unwrap();
    assert!(bare.check_shared(false).is_ok());
    let refused = bare.check_shared(true).unwrap_err().to_string();
    assert!(refused.contains("session.secret") && refused.contains("openssl"), "{refused}");
    let ready = read("[session]\nsecret = \"0123456789abcdef0123456789abcdef\"", &[]).unwrap();
    assert!(ready.check_shared(true).is_ok());
}

#[test]
fn a_missing_or_broken_file_says_so() {
    let missing = Settings::from_layers(Some(Path::new("/nowhere/warnlight.toml")), HashMap::new()).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/warnlight.toml"), "{missing}");
    assert!(matches!(read("[http", &[]), Err(SettingsError::Unreadable(_))));
}

#[test]
fn the_domain_of_message_ids_is_a_plain_name() {
    for wrong in ["a b", "a@b", "x>\\r\\nBcc: y", "a..b"] {
        let found = problems(&format!("[mail]\nmessage_id_domain = \"{wrong}\""), &[]);
        assert_eq!(found.first().map(|problem| problem.key.as_str()), Some("mail.message_id_domain"), "{wrong}");
    }
    assert!(read("[mail]\nmessage_id_domain = \"warn.example.org\"", &[]).is_ok());
}

#[cfg(feature = "telemetry")]
#[test]
fn a_collector_is_an_address_over_plain_http() {
    let otlp = |address: &str| read(&format!("[trace]\notlp = \"{address}\""), &[]).map(|settings| settings.trace.otlp);
    for fine in ["http://127.0.0.1:4318", "http://collector.example.org", "http://[::1]:4318/otlp/"] {
        assert_eq!(otlp(fine).unwrap().as_deref(), Some(fine));
    }
    assert_eq!(otlp("").unwrap(), None);
    for wrong in
        ["127.0.0.1:4318", "https://collector.example.org", "http://", "/v1/traces", "http://a b", "http://h?x=1"]
    {
        let problems = problems(&format!("[trace]\notlp = \"{wrong}\""), &[]);
        assert_eq!((problems.len(), problems[0].key.as_str()), (1, "trace.otlp"), "{wrong}");
    }
}

#[cfg(not(feature = "telemetry"))]
#[test]
fn a_collector_is_refused_by_a_program_that_was_built_without_the_feature() {
    let problems = problems("[trace]\notlp = \"http://127.0.0.1:4318\"", &[]);
    assert_eq!((problems.len(), problems[0].key.as_str()), (1, "trace.otlp"));
    assert!(problems[0].message.contains("--features telemetry"), "{}", problems[0]);
}
