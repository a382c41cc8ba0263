//! Acts recorded in a browser: from the case to the form and back, a refused form, and the width of a telephone.

use super::app::{App, HERE};
use super::browser::Browser;
use serde_json::json;
use warnlight::domain::words::Role;

#[test]
fn an_act_recorded_from_the_case_closes_its_duty_and_a_refused_form_leads_to_what_is_wrong() {
    let app = App::start();
    app.alarm();
    let browser = Browser::open();
    browser.log_in(&app, Role::Regulator);
    browser.click("nav a[href='/cases']");
    browser.click("tbody tr th a");
    browser.photograph("acts-1-case");
    browser.click("dl.acts a[href*='act=talk']");
    assert_eq!(browser.text("h2#form"), "约谈");
    browser.keys("#number", "谈1号");
    browser.click("form.fields button");
    assert_eq!(browser.text(".note-good strong"), "已记录。");
    browser.click("a.button[href^='/cases/']");
    assert_eq!(browser.text("[data-state='done']"), "已完成");

    browser.goto(&app.address(&format!("/merchants/{HERE}/acts?act=refund_paid")));
    browser.run("document.querySelector('form.fields').noValidate = true");
    browser.keys("#ticket", "T1");
    browser.keys("#amount", "12.345");
    browser.click("form.fields button");
    browser.find("[data-summary]");
    assert_eq!(browser.run("return document.activeElement.hasAttribute('data-summary')"), json!(true));
    browser.photograph("acts-2-refused");
    browser.click("[data-summary] a[href='#amount']");
    assert_eq!(browser.run("return document.activeElement.id"), json!("amount"));
    let kept = browser.run("return [ticket.value, amount.value, amount.getAttribute('aria-invalid')]");
    assert_eq!(kept, json!(["T1", "12.345", "true"]));
}

#[test]
fn nothing_on_the_pages_of_acts_and_cases_is_wider_than_a_telephone() {
    let app = App::start();
    app.alarm();
    app.desk.settle().unwrap();
    let telephone =
        json!({ "mobileEmulation": { "deviceMetrics": { "width": 360, "height": 780, "pixelRatio": 1.0 } } });
    let browser = Browser::with(telephone);
    browser.log_in(&app, Role::Regulator);
    let acts = format!("/merchants/{HERE}/acts");
    for lang in ["zh-CN", "en"] {
        let lists = ["/cases".to_owned(), acts.clone()].map(|path| format!("{path}?lang={lang}"));
        let forms = ["refund_paid", "check_proposed", "lead_transferred", "person_locked", "tenancy"];
        let forms = forms.map(|act| format!("{acts}?act={act}&lang={lang}"));
        for path in lists.into_iter().chain(forms) {
            browser.goto(&app.address(&path));
            let wide = browser.run("return document.documentElement.scrollWidth > innerWidth");
            assert_eq!(wide, json!(false), "{path}");
            browser.photograph(&format!("acts-{lang}-{}", path.split(['=', '&', '?']).nth(2).unwrap_or("list")));
        }
        browser.goto(&app.address("/cases"));
        browser.click("tbody tr th a");
        assert_eq!(browser.run("return document.documentElement.scrollWidth > innerWidth"), json!(false));
    }
}
