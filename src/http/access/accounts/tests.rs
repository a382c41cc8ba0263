use super::*;
use std::os::unix::fs::PermissionsExt as _;

const KEY: Uuid = Uuid::from_u128(7);
const LOCK: Lock = Lock { after: 3, lasts: SignedDuration::from_secs(900) };
const PASSWORD: &str = "correct horse";

fn at(second: i64) -> Instant {
    Instant::from_second(second).unwrap()
}

fn open(folder: &tempfile::TempDir) -> Accounts {
    Accounts::open(folder.path()).unwrap()
}

/// An account with a password.
fn with_password(folder: &tempfile::TempDir) -> Accounts {
    let accounts = open(folder);
    let token = accounts.invite("张三", KEY, at(0)).unwrap();
    assert_eq!(accounts.welcome(&token, PASSWORD, at(1)).unwrap(), KEY);
    accounts
}

#[test]
fn a_link_counts_once_and_for_three_days() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = open(&folder);
    let token = accounts.invite("张三", KEY, at(0)).unwrap();
    assert!(matches!(accounts.invite(" 张 三", Uuid::from_u128(8), at(0)), Err(AccountsError::NameTaken)));
    assert_eq!(accounts.invited(&token, at(1)).unwrap(), ("张三".to_owned(), KEY));
    assert!(accounts.invited(&token, at(72 * 3600)).is_none() && accounts.invited("", at(1)).is_none());
    assert!(matches!(accounts.welcome(&token, "short", at(1)), Err(AccountsError::Unfit { .. })));
    assert!(accounts.welcome(&token, PASSWORD, at(1)).is_ok());
    assert!(matches!(accounts.welcome(&token, PASSWORD, at(2)), Err(AccountsError::NoInvitation)));
    assert_eq!(accounts.log_in("张三", PASSWORD, "", LOCK, at(3)).unwrap(), Ok(KEY));
    // Whoever is invited again has to choose anew.
    let token = accounts.invite_again(KEY, at(4)).unwrap();
    assert_eq!(accounts.log_in("张三", PASSWORD, "", LOCK, at(5)).unwrap(), Err(NotLetIn::Wrong));
    assert!(accounts.invited(&token, at(5)).is_some());
}

#[test]
fn tries_that_fail_lock_the_account_for_a_while_also_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut accounts = with_password(&folder);
    let wrong = |accounts: &Accounts, at| accounts.log_in("张三", "another horse", "", LOCK, at).unwrap();
    for second in 10..12 {
        assert_eq!(wrong(&accounts, at(second)), Err(NotLetIn::Wrong));
    }
    assert_eq!(accounts.log_in("张三", PASSWORD, "", LOCK, at(12)).unwrap(), Ok(KEY), "a right one begins anew");
    for second in 20..23 {
        accounts = open(&folder);
        assert_eq!(wrong(&accounts, at(second)), Err(NotLetIn::Wrong));
    }
    accounts = open(&folder);
    assert_eq!(accounts.log_in("张三", PASSWORD, "", LOCK, at(23)).unwrap(), Err(NotLetIn::Wrong), "locked");
    assert!(accounts.of_key(KEY, at(23)).unwrap().locked_until.is_some());
    assert_eq!(accounts.log_in("张三", PASSWORD, "", LOCK, at(22 + 900)).unwrap(), Ok(KEY));
    assert_eq!(accounts.log_in("李四", PASSWORD, "", LOCK, at(30)).unwrap(), Err(NotLetIn::Wrong));
    assert!(matches!(accounts.confirm(KEY, "another horse", LOCK, at(2000)), Err(AccountsError::WrongPassword)));
    assert!(accounts.confirm(KEY, PASSWORD, LOCK, at(2001)).is_ok());
}

#[test]
fn a_code_is_asked_for_once_it_was_shown_right_and_none_counts_twice() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = with_password(&folder);
    let log_in = |code: &str, second| accounts.log_in("张三", PASSWORD, code, LOCK, at(second)).unwrap();
    let secret = accounts.offer_authenticator(KEY).unwrap();
    assert_eq!(log_in("", 30), Ok(KEY), "not confirmed yet");
    assert!(matches!(accounts.confirm_authenticator(KEY, "000000", at(60)), Err(AccountsError::WrongCode)));
    let code = |second: u64| {
        let totp =
            totp_rs::Builder::new().with_secret(totp_rs::Secret::try_from_base32(&secret).unwrap()).build().unwrap();
        (0..1_000_000)
            .map(|code| format!("{code:06}"))
            .find(|code| totp.check(code, second) == Some(second / 30))
            .unwrap()
    };
    let recovery = accounts.confirm_authenticator(KEY, &code(60), at(60)).unwrap();
    assert_eq!(log_in("", 61), Err(NotLetIn::CodeNeeded));
    assert_eq!(log_in(&code(60), 61), Err(NotLetIn::Wrong), "it was used to confirm");
    assert_eq!(log_in(&code(120), 120), Ok(KEY));
    assert_eq!(log_in(&code(120), 121), Err(NotLetIn::Wrong));
    assert_eq!(log_in(&recovery[3].to_lowercase(), 122), Ok(KEY));
    assert_eq!(log_in(&recovery[3], 123), Err(NotLetIn::Wrong));
    assert_eq!(accounts.of_key(KEY, at(124)).unwrap().recovery_left, 9);
    accounts.drop_authenticator(KEY).unwrap();
    assert_eq!(log_in("", 125), Ok(KEY));
}

#[test]
fn the_file_is_for_its_owner_alone_and_holds_no_secret_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = with_password(&folder);
    let token = accounts.invite("李四", Uuid::from_u128(8), at(0)).unwrap();
    let path = folder.path().join(FILE);
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(PASSWORD) && !text.contains(&token) && text.contains("$argon2id$"), "{text}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(open(&folder).states(at(1)).len(), 2);
    assert_eq!(mode(), 0o600);
    std::fs::write(&path, "{").unwrap();
    assert!(matches!(Accounts::open(folder.path()), Err(AccountsError::File { .. })));
}
