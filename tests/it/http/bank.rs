//! A custody bank at work: which reports are due and late, one report by a form, and nobody else's accounts.

use super::app::{App, HERE, THERE, instant};
use serde_json::json;
use warnlight::domain::access::Scope;
use warnlight::domain::words::Role;

/// Two merchants with money in custody: ours at 甲银行, theirs at 乙银行.
fn banks() -> App {
    let app = App::start();
    app.tell(&[
        json!({ "command": "record_filing", "credit_code": THERE, "status": "accepted", "date": "2025-01-10", "bank": "乙银行" }),
        // Its sector asks for no money in custody; commerce does.
        json!({ "command": "assign_sector", "credit_code": HERE, "sector": "commerce", "effective_on": "2025-01-01" }),
        json!({ "command": "report_balance", "credit_code": HERE, "date": "2025-03-31", "outstanding": "1000000.00" }),
        json!({ "command": "report_balance", "credit_code": THERE, "date": "2025-03-31", "outstanding": "1000000.00" }),
    ]);
    app
}

fn tile(page: &str, name: &str) -> usize {
    let rest = page.split(&format!("{name}<b>")).nth(1).unwrap_or_else(|| panic!("{name}: {page}"));
    rest.split("</b>").next().unwrap().parse().unwrap()
}

#[test]
fn a_bank_sees_which_reports_are_due_and_late_and_reports_one_by_a_form() {
    let app = banks();
    let today = || app.get("/today").role(Role::Bank).html().ok().text;
    let listed = |query: &str| app.get(&format!("/accounts{query}")).role(Role::Bank).html().ok().text;
    let page = today();
    assert_eq!((tile(&page, "存管账户"), tile(&page, "逾期报告"), tile(&page, "即将到期")), (1, 1, 0), "{page}");
    assert!(page.contains("从未报告") && page.contains(&format!("/merchants/{HERE}/acts?act=custody#form")), "{page}");
    assert!(listed("?late=true").contains(HERE), "the tile leads to what it counts");

    let cookie = app.log_in(Role::Bank);
    let token = app.token(&cookie);
    let form = |act: &[(&str, &str)]| {
        let form: Vec<(&str, &str)> = act.iter().copied().chain([("form_token", token.as_str())]).collect();
        app.post(&format!("/merchants/{HERE}/acts")).header("cookie", &cookie).html().form(&form).send()
    };
    let wrong = form(&[("act", "custody"), ("date", "2025-06-01"), ("held", "一万")]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("value=\"一万\"") && wrong.text.contains("aria-invalid"), "{}", wrong.text);
    let sent = form(&[("act", "custody"), ("date", "2025-06-01"), ("held", "100.00"), ("abnormal", "yes")]);
    assert_eq!(sent.status, 303, "{}", sent.text);
    let page = today();
    assert_eq!((tile(&page, "存管账户"), tile(&page, "逾期报告"), tile(&page, "即将到期")), (1, 0, 0), "{page}");
    assert!(!listed("?late=true").contains(HERE));
    let all = listed("");
    // 45 days after the report, by the pack.
    assert!(all.contains("2025-07-16 前") && all.contains("异常流水"), "{all}");
    app.clock.set(instant("2025-07-10T10:00:00Z"));
    assert_eq!(tile(&today(), "即将到期"), 1);
    app.clock.set(instant("2025-07-17T10:00:00Z"));
    assert_eq!(tile(&today(), "逾期报告"), 1);

    // The session is over by now; the key is not.
    let close = [("act", "account"), ("action", "close"), ("date", "2025-06-30"), ("bank", "甲银行")];
    let closed = app.post(&format!("/merchants/{HERE}/acts")).role(Role::Bank).html().form(&close).send();
    assert_eq!(closed.status, 303, "{}", closed.text);
    assert!(listed("").contains("2025-06-30 已销户"));
    assert_eq!(tile(&today(), "逾期报告"), 0, "of a closed account nothing is reported");
}

#[test]
fn a_bank_sees_and_speaks_of_no_account_of_another() {
    let app = banks();
    let other = app.key("乙", Scope { role: Role::Bank, bank: Some("乙银行".to_owned()), ..Scope::everything() });
    for (key, own, foreign) in [(app.key_of(Role::Bank), HERE, THERE), (&*other, THERE, HERE)] {
        for path in ["/accounts", "/today", "/accounts?late=true", &format!("/accounts?q={foreign}")] {
            let page = app.get(path).key(key).html().ok().text;
            assert!(!page.contains(&format!("/merchants/{foreign}")), "{path}: {page}");
            assert_eq!(page.contains(&format!("/merchants/{own}")), !path.contains("?q="), "{path}");
        }
        assert_eq!(app.get(&format!("/merchants/{foreign}/acts?act=custody")).key(key).html().send().status, 404);
        let form = [("act", "custody"), ("date", "2025-06-01"), ("held", "1.00")];
        let sent = app.post(&format!("/merchants/{foreign}/acts")).key(key).html().form(&form).send();
        assert_eq!(sent.status, 404);
        let account = [("act", "account"), ("action", "open"), ("date", "2025-06-01"), ("bank", "丙银行")];
        let sent = app.post(&format!("/merchants/{own}/acts")).key(key).html().form(&account).send();
        assert_eq!(sent.status, 422, "an account with a third bank is not for it to speak of: {}", sent.text);
    }
    for role in [Role::Operator, Role::Regulator, Role::Lead, Role::Admin] {
        assert_eq!(app.get("/accounts").role(role).html().send().status, 403, "{role}");
    }
}
