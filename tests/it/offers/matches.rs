//! How many customers the rules of an action let through.

use customer_profile::proto::v1::{
    ActionDefinition, ActionIssue, ActionRule, ActionText, ActionValue, CreateActionRequest,
    ImportActionsRequest, RuleMatch, UpdateActionRequest, action_value::Amount,
};

use super::{CATALOGUE, client, shop};
use crate::{
    harness::{Database, Service, make, process::program},
    imports::printed,
};

/// Of whom every third has an open ticket.
const PEOPLE: i64 = 60;

async fn crowd() -> Service {
    let service = shop(Database::new().await).await;
    let people = (0..PEOPLE).map(|n| {
        let who = format!("email=p{n}@example.com");
        // A second identifier, so that identifiers are no profiles.
        let both = format!("customer_id=c{n}");
        match n % 3 {
            0 => make::ticket(&format!("t{n}"), 0, &who, "opened", &format!("T{n}")),
            _ => make::seen(&format!("s{n}"), 0, &[&who, &both]),
        }
    });
    service.record_all(people.collect()).await;
    service
}

fn rule(name: &str, rule: &str) -> ActionRule {
    ActionRule {
        name: name.into(),
        rule: rule.into(),
    }
}

fn callback() -> ActionDefinition {
    ActionDefinition {
        action_id: "callback".into(),
        issue: ActionIssue::Serve.into(),
        group: "help".into(),
        channels: vec!["web".into()],
        placements: vec!["hero".into(), "side".into()],
        value: Some(ActionValue {
            amount: Some(Amount::Points(5)),
            floor: None,
        }),
        eligibility: vec![rule("needs_help", "open_tickets > 0")],
        applicability: vec![rule("on_the_side", "placement == \"side\"")],
        suitability: vec![rule("on_that_page", "context[\"page\"] == \"help\"")],
        attribution_days: 7,
        texts: vec![ActionText {
            locale: "en".into(),
            title: "We call you".into(),
            ..ActionText::default()
        }],
        ..ActionDefinition::default()
    }
}

fn creating(dry_run: bool) -> CreateActionRequest {
    CreateActionRequest {
        operation_id: "callback".into(),
        definition: Some(callback()),
        activate: true,
        dry_run,
        ..CreateActionRequest::default()
    }
}

fn counted(matches: &[RuleMatch]) -> Vec<(&str, &str, [i64; 4])> {
    matches
        .iter()
        .map(|one| {
            let counts = [one.sampled, one.passed, one.failed, one.unknown];
            (one.field.as_str(), one.name.as_str(), counts)
        })
        .collect()
}

#[tokio::test]
async fn rules_say_how_many_customers_they_let_through() {
    let service = crowd().await;
    let mut client = client(&service);
    let tried = client.create_action(creating(true)).await.unwrap();
    let tried = tried.into_inner().matches;
    let third = PEOPLE / 3;
    let expected = [
        (
            "definition.eligibility[0]",
            "needs_help",
            [PEOPLE, third, 2 * third, 0],
        ),
        // Of two placements it holds in one.
        (
            "definition.applicability[0]",
            "on_the_side",
            [PEOPLE, PEOPLE, 0, 0],
        ),
        // Nobody calls.
        (
            "definition.suitability[0]",
            "on_that_page",
            [PEOPLE, 0, 0, PEOPLE],
        ),
        ("definition", "all", [PEOPLE, 0, 2 * third, third]),
    ];
    assert_eq!(counted(&tried), expected);
    let made = client.create_action(creating(false)).await.unwrap();
    assert_eq!(counted(&made.into_inner().matches), expected);
    let mut definition = callback();
    definition.suitability.clear();
    let update = UpdateActionRequest {
        operation_id: "easier".into(),
        definition: Some(definition),
        dry_run: true,
        ..UpdateActionRequest::default()
    };
    let tried = client.update_action(update).await.unwrap().into_inner();
    assert_eq!(
        counted(&tried.matches)[2],
        ("definition", "all", [PEOPLE, third, 2 * third, 0])
    );
}

#[tokio::test]
async fn an_import_says_it_of_what_it_changes() {
    let service = crowd().await;
    for (dry_run, operation) in [(true, "try"), (false, "do")] {
        let request = ImportActionsRequest {
            operation_id: operation.into(),
            documents: vec![CATALOGUE.replace("open_tickets > 0", "open_tickets == 0")],
            dry_run,
            ..ImportActionsRequest::default()
        };
        let answer = client(&service).import_actions(request).await.unwrap();
        for action in answer.into_inner().actions {
            let found = counted(&action.matches);
            if action.action_id == "help" {
                let counts = [PEOPLE, 2 * PEOPLE / 3, PEOPLE / 3, 0];
                let rule = ("definition.applicability[0]", "needs_help", counts);
                assert_eq!(found, [rule, ("definition", "all", counts)]);
            } else {
                assert!(found.is_empty(), "{}: {found:?}", action.action_id);
            }
        }
    }
}

#[tokio::test]
async fn the_command_prints_it_of_each_rule() {
    let service = crowd().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalogue.yaml");
    let help = "open_tickets == 0'}\n      - {name: nobody, rule: 'interactions > 1000";
    std::fs::write(&file, CATALOGUE.replace("open_tickets > 0", help)).unwrap();
    let mut command = program();
    command.args(["actions", "--to", &service.url]);
    command.args(["import", "--dry-run"]).arg(&file);
    let text = printed(command).await;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.starts_with("updated"));
    let at = at.unwrap_or_else(|| panic!("{text}"));
    assert_eq!(
        lines[at..at + 4],
        [
            "updated   help version 2, active",
            "needs_help lets 40 of 60 through",
            "nobody lets 0 of 60 through",
            "all rules together lets 0 of 60 through",
        ]
    );
}
