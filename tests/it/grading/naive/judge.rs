//! The rules, each as one line of code.

use rust_decimal::Decimal;
use std::collections::BTreeMap;
use warnlight::domain::words::Light;
use warnlight::policy::fact::Value;

/// The rules' names.
pub(in super::super) const RULES: [&str; 23] = [
    "closed-unannounced",
    "closed-complaints",
    "issuing-while-barred",
    "order-not-met",
    "serious-list",
    "refund-overdue",
    "custody-short",
    "abnormal-flow",
    "exit-under-30",
    "closed-short-notice",
    "two-penalties",
    "linked-closure",
    "filing-overdue",
    "report-overdue",
    "exit-under-90",
    "leaving",
    "exit-overrun",
    "prepaid-heavy",
    "complaint-rate",
    "utilities",
    "arrears",
    "unanswered",
    "custody-silent",
];

/// The rules.
pub(super) fn judge<'a>(
    facts: &BTreeMap<&'static str, Option<Value>>,
    shops: impl Iterator<Item = &'a BTreeMap<&'static str, Option<Value>>> + Clone,
) -> (Light, Vec<&'static str>) {
    let number = |name: &str| match facts.get(name).copied().flatten() {
        Some(Value::Number(number)) => Some(number),
        _ => None,
    };
    let flag = |name: &str| facts[name] == Some(Value::Flag(true));
    let above = |name: &str, limit: &str| number(name).is_some_and(|value| value > limit.parse().unwrap());
    let least = |name: &str, limit: i64| number(name).is_some_and(|value| value >= Decimal::from(limit));
    let of_shop = |shop: &BTreeMap<&'static str, Option<Value>>, name: &str| match shop[name] {
        Some(Value::Number(number)) => Some(number),
        _ => None,
    };
    let leaving = |from: i64, to: i64| {
        shops.clone().any(|shop| {
            of_shop(shop, "exit.days_left").is_some_and(|left| left >= Decimal::ZERO)
                && of_shop(shop, "exit.notice_days")
                    .is_some_and(|notice| Decimal::from(from) <= notice && notice < Decimal::from(to))
        })
    };
    let closed = shops.clone().any(|shop| shop["shop.closed_unannounced"] == Some(Value::Flag(true)));
    let below = |value: Option<Decimal>, limit: i64| value.is_some_and(|value| value < Decimal::from(limit));
    let hasty = shops.clone().any(|shop| {
        below(of_shop(shop, "shop.notice_given_days"), 30) && below(of_shop(shop, "shop.closed_days"), 366)
    });
    let overrun =
        shops.clone().any(|shop| of_shop(shop, "exit.overrun_days").is_some_and(|days| days > Decimal::from(15)));
    let owes = number("prepaid.outstanding") != Some(Decimal::ZERO);
    let age = number("custody.report_age_days");
    let rules = [
        ("closed-unannounced", Light::Red, closed && owes),
        ("closed-complaints", Light::Red, least("complaints.closed_30d", 3)),
        ("issuing-while-barred", Light::Red, above("prepaid.grown_while_barred", "0")),
        ("order-not-met", Light::Red, above("rectification.overdue_days", "0")),
        ("serious-list", Light::Red, flag("listed.serious")),
        ("refund-overdue", Light::Orange, above("complaints.refund_overdue_days", "0")),
        ("custody-short", Light::Orange, number("custody.coverage").is_some_and(|value| value < Decimal::ONE)),
        ("abnormal-flow", Light::Orange, least("custody.abnormal_flow_30d", 1)),
        ("exit-under-30", Light::Orange, leaving(i64::MIN, 30)),
        ("closed-short-notice", Light::Orange, hasty && owes),
        ("two-penalties", Light::Orange, least("penalties.365d", 2)),
        ("linked-closure", Light::Orange, least("linked.closed_unannounced_24m", 1)),
        ("filing-overdue", Light::Yellow, above("filing.overdue_days", "0")),
        ("report-overdue", Light::Yellow, above("prepaid.report_overdue_days", "0")),
        ("exit-under-90", Light::Yellow, leaving(30, 90)),
        ("leaving", Light::Yellow, leaving(90, i64::MAX)),
        ("exit-overrun", Light::Yellow, overrun),
        ("prepaid-heavy", Light::Yellow, above("prepaid.share_of_revenue", "0.5")),
        ("complaint-rate", Light::Yellow, least("complaint_rate.months_over", 3)),
        ("utilities", Light::Yellow, least("signal.utilities_abnormal_days", 0)),
        ("arrears", Light::Yellow, least("signal.rent_arrears_days", 0) || least("signal.wage_arrears_days", 0)),
        ("unanswered", Light::Yellow, least("complaints.unanswered_24h", 1)),
        (
            "custody-silent",
            Light::Unknown,
            above("custody.bank_required", "0") && age.is_none_or(|age| age > Decimal::from(45)),
        ),
    ];
    let mut fired: Vec<_> = rules.into_iter().filter(|(_, _, fires)| *fires).collect();
    fired.sort_by_key(|(id, light, _)| (std::cmp::Reverse(*light), *id));
    (fired.first().map_or(Light::Green, |(_, light, _)| *light), fired.into_iter().map(|(id, _, _)| id).collect())
}
