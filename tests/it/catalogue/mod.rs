//! The catalogue of actions: made, changed, read as it was, brought in and written out.

mod files;
mod revisions;

use std::collections::BTreeSet;

use customer_profile::proto::v1::{
    Action, ActionDefinition, ActionIssue, ActionOutcome, ActionRule, ActionStatus, ActionText,
    ActionValue, ContactRule, ContactScope, CreateActionRequest, CreateActionResponse,
    ExportActionsRequest, GetActionRequest, GetActionResponse, ImportOutcome, Money,
    OutcomeRewards, PauseActionRequest, ResumeActionRequest, RetireActionRequest,
    UpdateActionRequest, UpdateActionResponse, action_value::Amount,
};
use sqlx::Row as _;
use tonic::{Code, Status};

use crate::harness::{
    Service,
    actions::{importing, starter},
    refused::{assert_invalid, invalid, refused},
    service::of_tenant,
};

fn text(locale: &str, title: &str) -> ActionText {
    ActionText {
        locale: locale.into(),
        title: title.into(),
        ..ActionText::default()
    }
}

/// An action that the policy of the starter has room for.
pub fn gloves() -> ActionDefinition {
    let money = Money {
        currency: "JPY".into(),
        minor_units: 1_200,
    };
    ActionDefinition {
        action_id: "gloves".into(),
        issue: ActionIssue::Sell.into(),
        group: "offers".into(),
        channels: vec!["web".into()],
        value: Some(ActionValue {
            amount: Some(Amount::Money(money)),
            floor: None,
        }),
        applicability: vec![ActionRule {
            name: "has_bought".into(),
            rule: "order_count > 0 && segment(\"vip\")".into(),
        }],
        caps: vec![ContactRule {
            scope: ContactScope::Action.into(),
            counts: ActionOutcome::Impression.into(),
            limit: 3,
            window_minutes: 10_080,
            ..ContactRule::default()
        }],
        attribution_days: 14,
        texts: vec![text("en", "Gloves"), text("ja", "手袋")],
        ..ActionDefinition::default()
    }
}

fn worth(yen: i64) -> ActionDefinition {
    let mut gloves = gloves();
    let money = Money {
        currency: "JPY".into(),
        minor_units: yen,
    };
    gloves.value = Some(ActionValue {
        amount: Some(Amount::Money(money)),
        floor: None,
    });
    gloves
}

fn creating(operation: &str, definition: ActionDefinition) -> CreateActionRequest {
    CreateActionRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        definition: Some(definition),
        activate: true,
        dry_run: false,
    }
}

async fn create(service: &Service, operation: &str) -> Result<CreateActionResponse, Status> {
    let request = creating(operation, gloves());
    Ok(service.actions().create_action(request).await?.into_inner())
}

async fn update(
    service: &Service,
    operation: &str,
    definition: ActionDefinition,
    expected_version: i32,
) -> Result<UpdateActionResponse, Status> {
    let request = UpdateActionRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        definition: Some(definition),
        expected_version,
        dry_run: false,
    };
    Ok(service.actions().update_action(request).await?.into_inner())
}

async fn pause(service: &Service, operation: &str, action: &str) -> Result<Action, Status> {
    let request = PauseActionRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        action_id: action.into(),
    };
    let answer = service.actions().pause_action(request).await?;
    Ok(answer.into_inner().action.unwrap())
}

async fn resume(service: &Service, operation: &str, action: &str) -> Result<Action, Status> {
    let request = ResumeActionRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        action_id: action.into(),
    };
    let answer = service.actions().resume_action(request).await?;
    Ok(answer.into_inner().action.unwrap())
}

async fn retire(service: &Service, operation: &str, action: &str) -> Result<Action, Status> {
    let request = RetireActionRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        action_id: action.into(),
    };
    let answer = service.actions().retire_action(request).await?;
    Ok(answer.into_inner().action.unwrap())
}

async fn get(service: &Service, action: &str, version: i32) -> Result<GetActionResponse, Status> {
    let request = GetActionRequest {
        action_id: action.into(),
        version,
    };
    Ok(service.actions().get_action(request).await?.into_inner())
}

/// All pages of an export of a tenant.
async fn exported(service: &Service, tenant: &str) -> Vec<String> {
    let mut request = ExportActionsRequest::default();
    let mut documents = Vec::new();
    loop {
        let asked = of_tenant(tenant, request.clone());
        let page = service.actions().export_actions(asked).await.unwrap();
        let page = page.into_inner();
        documents.push(page.document);
        if page.next_page_token.is_empty() {
            return documents;
        }
        request.page_token = page.next_page_token;
    }
}

async fn in_force(service: &Service) -> i64 {
    let mut connection = service.database.connect().await;
    let row = sqlx::query("SELECT revision FROM catalogues WHERE tenant = 'default'");
    let row = row.fetch_optional(&mut connection).await.unwrap();
    row.map_or(0, |row| row.get(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_goes_through_its_life() {
    let service = Service::start().await;
    let status = create(&service, "early").await.unwrap_err();
    refused(&status, Code::FailedPrecondition, "policy_missing");
    service.import_starter("starter").await;

    let made = create(&service, "create").await.unwrap();
    let action = made.action.unwrap();
    assert_eq!((action.version, action.status()), (1, ActionStatus::Active));
    assert_eq!(action.definition.as_ref(), Some(&gloves()));
    assert_eq!(action.reason, "a test");
    assert!(!made.repeated && !made.token.is_empty() && action.created_at.is_some());

    let second = update(&service, "update", worth(900), 1).await.unwrap();
    let action = second.action.unwrap();
    assert_eq!((action.version, second.unchanged), (2, false));
    let same = update(&service, "same", worth(900), 0).await.unwrap();
    assert!(same.unchanged && same.action.unwrap().version == 2);
    let late = update(&service, "late", worth(800), 1).await.unwrap_err();
    refused(&late, Code::FailedPrecondition, "version_not_newest");

    let paused = pause(&service, "pause", "gloves").await.unwrap();
    assert_eq!(paused.status(), ActionStatus::Paused);
    let again = pause(&service, "pause again", "gloves").await.unwrap_err();
    refused(&again, Code::FailedPrecondition, "status_not_reachable");
    let resumed = resume(&service, "resume", "gloves").await.unwrap();
    assert_eq!(
        (resumed.version, resumed.status()),
        (2, ActionStatus::Active)
    );
    let retired = retire(&service, "retire", "gloves").await.unwrap();
    assert_eq!(retired.status(), ActionStatus::Retired);
    let over = update(&service, "over", worth(700), 0).await.unwrap_err();
    refused(&over, Code::FailedPrecondition, "action_retired");
    let taken = create(&service, "again").await.unwrap_err();
    refused(&taken, Code::FailedPrecondition, "action_exists");
    let fallback = retire(&service, "fallback", "shop_home").await.unwrap_err();
    refused(&fallback, Code::FailedPrecondition, "action_is_fallback");
    let nobody = pause(&service, "nobody", "nobody").await.unwrap_err();
    refused(&nobody, Code::NotFound, "not_found");

    let newest = get(&service, "gloves", 0).await.unwrap();
    let versions: Vec<i32> = newest.versions.iter().map(|v| v.version).collect();
    assert_eq!((versions, newest.versions_total), (vec![2, 1], 2));
    assert_eq!(newest.action.unwrap().definition, Some(worth(900)));
    let first = get(&service, "gloves", 1).await.unwrap().action.unwrap();
    assert_eq!(first.definition, Some(gloves()));
    let none = get(&service, "gloves", 3).await.unwrap_err();
    refused(&none, Code::NotFound, "not_found");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_carried_out_once_and_a_dry_run_not_at_all() {
    let service = Service::start().await;
    let dry = customer_profile::proto::v1::ImportActionsRequest {
        dry_run: true,
        ..importing("starter", starter())
    };
    let would = service.actions().import_actions(dry).await.unwrap();
    let would = would.into_inner();
    assert!(would.policy_changed && would.token.is_empty() && would.policy_version == 0);
    assert_eq!(in_force(&service).await, 0);
    let did = service.import_starter("starter").await;
    assert_eq!(did.actions, would.actions);
    assert_eq!((did.policy_version, did.repeated), (1, false));
    let again = service.import_starter("starter").await;
    assert!(again.repeated && again.actions == did.actions);
    let same = service.import_starter("the same").await;
    let unchanged = |one: &customer_profile::proto::v1::ImportedAction| {
        one.outcome() == ImportOutcome::Unchanged
    };
    assert!(same.actions.iter().all(unchanged) && !same.policy_changed);
    assert_eq!(in_force(&service).await, 1);

    let rehearsed = CreateActionRequest {
        dry_run: true,
        ..creating("create", gloves())
    };
    let rehearsed = service.actions().create_action(rehearsed).await.unwrap();
    let rehearsed = rehearsed.into_inner().action.unwrap();
    assert_eq!(in_force(&service).await, 1);
    let first = create(&service, "create").await.unwrap();
    let made = first.action.clone().unwrap();
    assert_eq!(
        (rehearsed.digest, rehearsed.version),
        (made.digest.clone(), 1)
    );
    update(&service, "update", worth(1), 0).await.unwrap();
    pause(&service, "pause", "gloves").await.unwrap();
    let repeated = create(&service, "create").await.unwrap();
    assert!(repeated.repeated);
    assert_eq!(repeated.action, first.action, "as it was then");
    let mut other = creating("create", gloves());
    other.activate = false;
    let status = service.actions().create_action(other).await.unwrap_err();
    refused(&status, Code::FailedPrecondition, "operation_id_reused");
    let status = pause(&service, "create", "gloves").await.unwrap_err();
    refused(&status, Code::FailedPrecondition, "operation_id_reused");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_named_at_once() {
    let service = Service::start().await;
    service.import_starter("starter").await;
    let mut wrong = gloves();
    wrong.action_id = "No Slug".into();
    wrong.issue = 99;
    wrong.group = "nobody".into();
    wrong.channels.push("pigeon".into());
    wrong.lever = 300;
    wrong.attribution_days = -1;
    wrong.applicability[0].rule = "order_cuont > \"x\"".into();
    wrong.caps[0].window_minutes = 0;
    wrong.caps[0].counts = ActionOutcome::Pending.into();
    wrong.rewards = Some(OutcomeRewards {
        accepted: f64::NAN,
        ..OutcomeRewards::default()
    });
    wrong.texts = vec![text("en", ""), text("日本", "x")];
    let request = CreateActionRequest {
        reason: "\0".into(),
        ..creating("", wrong)
    };
    let status = service.actions().create_action(request).await.unwrap_err();
    let found: BTreeSet<String> = invalid(&status)
        .into_iter()
        .map(|(field, reason)| format!("{field} {reason}"))
        .collect();
    for wanted in [
        "operation_id required",
        "reason control_characters",
        "definition.action_id not_a_slug",
        "definition.issue unknown_enum_value",
        "definition.group unknown_name",
        "definition.channels[1] unknown_name",
        "definition.lever out_of_range",
        "definition.attribution_days out_of_range",
        "definition.applicability[0].rule rule_invalid",
        "definition.caps[0].window_minutes out_of_range",
        "definition.caps[0].counts out_of_range",
        "definition.rewards.accepted out_of_range",
        "definition.texts[0].title required",
        "definition.texts[1].locale malformed",
    ] {
        assert!(found.contains(wanted), "{wanted}: {found:#?}");
    }
    let none = CreateActionRequest {
        definition: None,
        ..creating("none", gloves())
    };
    let status = service.actions().create_action(none).await.unwrap_err();
    assert_invalid(&status, &[("definition", "required")]);
    let mut mail = gloves();
    mail.channels = vec!["email".into()];
    mail.texts.remove(1);
    let status = update(&service, "mail", mail, 0).await.unwrap_err();
    refused(&status, Code::NotFound, "not_found");

    let broken = "catalogue: 1\nactions:\n  - id: x\n    colour: red\n    issue: sell\n";
    let status = service.import("broken", vec![broken.to_owned()]).await;
    let status = status.unwrap_err();
    let found = invalid(&status);
    let key = (
        "documents[0].actions[0].colour".to_owned(),
        "unknown_key".to_owned(),
    );
    assert!(found.contains(&key) && found.len() > 4, "{found:?}");
    assert!(status.message().contains("line "), "{}", status.message());

    let circle = "catalogue: 1\nsegments:\n  - {name: a, rule: 'segment(\"b\")'}\n  - {name: b, rule: 'segment(\"a\")'}\n";
    let status = service.import("circle", vec![circle.to_owned()]).await;
    let wanted = [
        ("documents[0].segments[0].rule", "rule_invalid"),
        ("documents[0].segments[1].rule", "rule_invalid"),
    ];
    assert_invalid(&status.unwrap_err(), &wanted);
    let yen = starter()[0].replace("currency: JPY", "currency: EUR");
    let status = service.import("euro", vec![yen]).await.unwrap_err();
    let found = invalid(&status);
    let stored = |(field, reason): &(String, String)| {
        field.starts_with("stored.")
            && field.ends_with(".value.currency")
            && reason == "contradicts"
    };
    assert!(!found.is_empty() && found.iter().all(stored), "{found:?}");
    assert_eq!(in_force(&service).await, 1, "nothing of all this came in");
    service.stop().await;
}
