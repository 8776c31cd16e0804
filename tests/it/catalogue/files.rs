//! Files of the catalogue, and lists of it.

use customer_profile::proto::v1::{Action, ActionIssue, ActionStatus, ListActionsRequest};

use super::{create, exported, pause, retire};
use crate::harness::{Service, actions::importing, refused::assert_invalid, service::of_tenant};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_out_comes_in_again_as_it_was() {
    let service = Service::start().await;
    service.import_starter("starter").await;
    create(&service, "create").await.unwrap();
    pause(&service, "pause", "gloves").await.unwrap();
    let ours = exported(&service, "default").await;
    assert!(ours[0].contains("status: paused"), "{}", ours[0]);
    let request = of_tenant("copy", importing("copy", ours.clone()));
    let answer = service.actions().import_actions(request).await.unwrap();
    assert!(answer.into_inner().actions.len() > 10);
    assert_eq!(exported(&service, "copy").await, ours);
    assert_eq!(exported(&service, "nobody").await, [""]);

    // More than fits into one answer.
    let before = ours[0].matches("- id: ").count();
    let body = "x".repeat(990);
    let entry = |n: u32| {
        let locales = ["ja", "en", "de", "fr", "it", "es", "pt", "nl", "sv", "da"];
        let texts = locales.map(|locale| format!("{locale}: {{title: t, body: {body}}}"));
        format!(
            "  - {{id: big_{n:03}, issue: serve, group: home, channels: [web], value: {{points: 0}}, attribution_days: 1, texts: {{{}}}}}\n",
            texts.join(", ")
        )
    };
    for part in 0..4_u32 {
        let entries: String = (0..40).map(|n| entry(part * 40 + n)).collect();
        let document = format!("catalogue: 1\nactions:\n{entries}");
        let name = format!("big {part}");
        service.import(&name, vec![document]).await.unwrap();
    }
    let parts = exported(&service, "default").await;
    assert!(parts.len() > 1, "{}", parts.len());
    assert!(parts.iter().all(|part| part.len() <= 1 << 20));
    let count: usize = parts
        .iter()
        .map(|part| part.matches("- id: ").count())
        .sum();
    assert_eq!(count, before + 160);
    for (n, part) in parts.into_iter().enumerate() {
        let request = of_tenant("parts", importing(&format!("part {n}"), vec![part]));
        service.actions().import_actions(request).await.unwrap();
    }
    assert_eq!(
        exported(&service, "parts").await,
        exported(&service, "default").await
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_narrowed_and_paged() {
    let service = Service::start().await;
    let imported = service.import_starter("starter").await.actions.len();
    create(&service, "create").await.unwrap();
    retire(&service, "retire", "gloves").await.unwrap();
    let mut request = ListActionsRequest {
        page_size: 5,
        ..ListActionsRequest::default()
    };
    let mut ids = Vec::new();
    loop {
        let page = service.actions().list_actions(request.clone()).await;
        let page = page.unwrap().into_inner();
        assert_eq!(usize::try_from(page.total).unwrap(), imported);
        assert!(page.actions.len() <= 5);
        ids.extend(
            page.actions
                .into_iter()
                .map(|a| a.definition.unwrap().action_id),
        );
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert!(ids.is_sorted() && ids.len() == imported, "{ids:?}");
    assert!(!ids.contains(&"gloves".to_owned()));
    let filters = [
        ListActionsRequest {
            statuses: vec![ActionStatus::Retired.into()],
            ..ListActionsRequest::default()
        },
        ListActionsRequest {
            issue: ActionIssue::Listen.into(),
            ..ListActionsRequest::default()
        },
        ListActionsRequest {
            group: "surveys".into(),
            channel: "email".into(),
            page_size: 100,
            ..ListActionsRequest::default()
        },
    ];
    let fits: [fn(&Action) -> bool; 3] = [
        |a| a.definition.as_ref().unwrap().action_id == "gloves",
        |a| a.definition.as_ref().unwrap().issue() == ActionIssue::Listen,
        |a| {
            let of = a.definition.as_ref().unwrap();
            of.group == "surveys" && of.channels.contains(&"email".to_owned())
        },
    ];
    for (filter, fits) in filters.into_iter().zip(fits) {
        let page = service.actions().list_actions(filter).await.unwrap();
        let page = page.into_inner();
        assert!(!page.actions.is_empty() && page.actions.iter().all(fits));
    }
    let stolen = ListActionsRequest {
        group: "surveys".into(),
        ..request
    };
    let status = service.actions().list_actions(stolen).await.unwrap_err();
    assert_invalid(&status, &[("page_token", "page_token_invalid")]);
    service.stop().await;
}
