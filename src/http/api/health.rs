//! Whether the service lives, whether it can be asked, and how it does.

use crate::domain::time::day_of;
use crate::http::access::{Allowed, ReadMetrics, is_from_here};
use crate::http::following::Following;
use crate::http::language::Language;
use crate::http::metrics::{Metrics, figure};
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::picture::outbox::DeliveryState;
use crate::service::{clock_behind, without_calendar};
use crate::settings::MetricsFor;
use crate::trail;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Says that the process answers.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Says whether a command would be taken, lights are up to date, this node keeps up with the log, and mail moves.
///
/// # Errors
/// When they are not.
pub async fn ready(
    request: HttpRequest,
    site: web::Data<Site>,
    following: web::Data<Following>,
) -> Result<HttpResponse, Problem> {
    let language = Language::of(&request);
    takes_and_lights(&site)?;
    if let Some(trouble) = following.trouble() {
        return Err(Problem::new(Code::Behind, trouble.zh, trouble.en));
    }
    if let Some(trouble) = site.mail.trouble() {
        // What a mail server said is repeated as it was said.
        return Err(Problem::new(Code::Unavailable, format!("邮件暂时发不出去：`{trouble}`"), trouble));
    }
    // Ready all the same: nothing would become better by asking another node.
    let missing = site.policies().calendar.missing_year(day_of(site.desk.now()));
    let inbox = site.inbox.as_ref().map(|inbox| inbox.in_trouble()).filter(|files| *files > 0).map(|files| {
        let en = format!(
            "{files} entries of the inbox cannot be taken or moved away; the log of the service says which and why"
        );
        language.pick(&format!("收件夹中有 {files} 项无法读取或移走；是哪些、为什么，见服务日志"), &en).to_owned()
    });
    let heard = |(zh, en): (String, String)| language.pick(&zh, &en).to_owned();
    let missing = missing.map(|year| heard(without_calendar(year)));
    let behind = site.desk.clock_behind().map(|by| heard(clock_behind(by)));
    let remarks = [missing, behind, inbox];
    let remarks: String = remarks.iter().flatten().map(|remark| format!("warning: {remark}\n")).collect();
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(format!("ready\n{remarks}")))
}

/// Says whether a command would be taken and lights are up to date; if not, why: first what keeps commands away.
fn takes_and_lights(site: &Site) -> Result<(), Problem> {
    if let Err(refusal) = site.desk.log().takes_appends() {
        return Err(Problem { code: Code::Unavailable, ..refusal.into() });
    }
    if let Some(trouble) = site.desk.trouble() {
        return Err(Problem::new(Code::Unavailable, "灯情暂时无法记入日志；原因见服务日志", trouble));
    }
    if site.desk.stands_by() {
        return Err(Problem::new(
            Code::Unavailable,
            "其他节点启用了另外的规则或收件人；请用同样的文件重启本节点",
            "another node put other policies or recipients in force; restart this one with the same files",
        ));
    }
    if !site.desk.is_ready() {
        return Err(Problem::new(Code::Unavailable, "正在更新灯情", "the lights are being brought up to date"));
    }
    Ok(())
}

/// Writes the figures of the service for Prometheus. They name nobody, but tell how busy offices are.
///
/// # Errors
/// When they are asked for from elsewhere than this machine, without the right to read them.
pub async fn metrics(
    request: HttpRequest,
    open_to: web::Data<MetricsFor>,
    site: web::Data<Site>,
    following: web::Data<Following>,
    metrics: web::Data<Metrics>,
) -> Result<HttpResponse, Problem> {
    if **open_to == MetricsFor::Local && !is_from_here(&request) {
        Allowed::<ReadMetrics>::extract(&request).await?;
    }
    let mut text = String::new();
    let counters = site.desk.counters();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    for (name, help, value) in [
        ("warnlight_commands_accepted_total", "Commands that wrote something.", read(&counters.accepted)),
        ("warnlight_commands_unchanged_total", "Commands that were known already.", read(&counters.unchanged)),
        ("warnlight_commands_refused_total", "Commands refused.", read(&counters.refused)),
        ("warnlight_batches_total", "Groups of commands made durable together.", read(&counters.batches)),
        ("warnlight_lights_changed_total", "Light changes recorded.", read(&counters.lights_changed)),
        ("warnlight_mails_requested_total", "Mails asked for.", read(&counters.mails_requested)),
        ("warnlight_log_failures_total", "Failures of the log.", read(&counters.log_failures)),
        ("warnlight_contests_total", "Requests decided again: another node was faster.", read(&counters.contests)),
    ] {
        figure(&mut text, "counter", name, help, value);
    }
    if let Some((taken, dropped)) = trail::tally() {
        figure(&mut text, "counter", "warnlight_spans_exported_total", "Spans the collector took.", taken);
        let help = "Spans lost because the collector was too slow or did not answer.";
        figure(&mut text, "counter", "warnlight_spans_dropped_total", help, dropped);
    }
    let files = site.inbox.as_ref().map_or(0, |inbox| inbox.in_trouble());
    let help = "Entries of the inbox that cannot be taken or moved away.";
    figure(&mut text, "gauge", "warnlight_inbox_in_trouble", help, files);
    let waiting = site.picture().queue.waiting();
    let help = "Tickets without a credit code that wait for somebody to say whom they mean.";
    figure(&mut text, "gauge", "warnlight_unattributed_tickets", help, waiting);
    figure(&mut text, "gauge", "warnlight_log_position", "Position of the last event.", site.desk.log().head());
    figure(
        &mut text,
        "gauge",
        "warnlight_ready",
        "Commands are taken and lights are up to date.",
        u64::from(takes_and_lights(&site).is_ok()),
    );
    let behind = following.log_behind().as_secs_f64();
    figure(&mut text, "gauge", "warnlight_log_behind_seconds", "Time the log may have grown for unseen.", behind);
    let behind = following.events_behind();
    figure(
        &mut text,
        "gauge",
        "warnlight_desk_behind_events",
        "Events of the log the desk has yet to take in.",
        behind,
    );
    let behind = site.desk.clock_behind().map_or(0.0, |behind| behind.as_secs_f64());
    let help = "How far this machine's clock is behind the newest time on record, if by more than nodes may differ.";
    figure(&mut text, "gauge", "warnlight_clock_behind_seconds", help, behind);
    let tally = site.picture().outbox.tally();
    let _ = writeln!(
        text,
        "# HELP warnlight_mail_recipients Recipients by fate, and mails addressed to nobody.\n# TYPE warnlight_mail_recipients gauge"
    );
    for state in DeliveryState::ALL {
        let _ = writeln!(text, "warnlight_mail_recipients{{state=\"{}\"}} {}", state.name(), tally.of(*state));
    }
    let _ = writeln!(text, "warnlight_mail_recipients{{state=\"nobody\"}} {}", tally.nobody);
    let help = "Mail stands still: the mail server takes none, or the log does not take what came of it.";
    figure(&mut text, "gauge", "warnlight_mail_in_trouble", help, u64::from(site.mail.trouble().is_some()));
    let help = "Time between two mails, longer where the server says that we are too fast.";
    figure(&mut text, "gauge", "warnlight_mail_gap_seconds", help, site.mail.gap().as_secs_f64());
    let help = "Attempts since the start that told nothing about the recipient.";
    figure(&mut text, "counter", "warnlight_mail_held_up_total", help, site.mail.held_up());
    let help = "Questions over all merchants that wait or are worked on.";
    figure(&mut text, "gauge", "warnlight_questions", help, site.questions.under_way());
    metrics.write(&mut text);
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
