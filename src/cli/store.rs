//! Commands that work on the store itself: `verify`, `digest`, and `import` where no service is named.

use clap::Args;
use tonic::service::interceptor::InterceptedService;

use super::{Failure, client, import, print, progress, say};
use crate::{
    app::{Schema, Server, open},
    config::Settings,
    ids::TenantId,
    proto::v1::interaction_service_client::InteractionServiceClient,
    verify,
};

/// Which tenants.
#[derive(Args, Debug)]
pub struct TenantArgs {
    /// Only this tenant; all when none is given.
    #[arg(long, value_parser = tenant)]
    tenant: Option<TenantId>,
}

fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).ok_or_else(|| "1 to 64 of a-z, 0-9, _, - and .".to_owned())
}

/// `verify`.
pub(super) async fn verify(settings: &Settings, args: &TenantArgs) -> Result<(), Failure> {
    let opened = open(settings, Schema::Check).await?;
    let mut differences = 0;
    for tenant in verify::tenants(&opened.storage, args.tenant.as_ref()).await? {
        let (bar, observer) = progress::of_store("verifying");
        let report = verify::verify(&opened.storage, &opened.secret, &tenant, &observer).await?;
        bar.finish_and_clear();
        differences += report.differences;
        for difference in &report.described {
            say(format_args!("{tenant}: {difference}"));
        }
        if report.waiting > 0 {
            say(format_args!(
                "{tenant}: {} profiles are still to be brought under the rules in force; their sets are not compared",
                report.waiting
            ));
        }
        print(format_args!(
            "{tenant}: {} interactions, {} identities, {} profiles, {} differences",
            report.interactions, report.identities, report.profiles, report.differences
        ))?;
    }
    opened.close().await;
    if differences == 0 {
        Ok(())
    } else {
        Err(Failure::Found)
    }
}

/// `digest`.
pub(super) async fn digest(settings: &Settings, args: &TenantArgs) -> Result<(), Failure> {
    let opened = open(settings, Schema::Check).await?;
    let tenants = verify::tenants(&opened.storage, args.tenant.as_ref()).await?;
    let (bar, observer) = progress::of_store("digesting");
    let population = verify::digest(&opened.storage, &tenants, &observer).await?;
    bar.finish_and_clear();
    print(format_args!("{}", population.finish()))?;
    opened.close().await;
    Ok(())
}

/// `import`: through the service that is named, else through one of our own on the database of the settings.
pub(super) async fn import(settings: &Settings, args: &import::ImportArgs) -> Result<(), Failure> {
    if args.dry_run {
        return dry_run(args).await;
    }
    if let Some(url) = &args.to {
        let client = InteractionServiceClient::new(args.credentials.connect(url)?);
        return run(args, url, client).await;
    }
    let opened = open(settings, Schema::Check).await?;
    let destination = opened.store.id.to_string();
    let (server, channel) = Server::in_process(settings, opened).await?;
    let own = InterceptedService::new(channel, client::Identity::default());
    let result = run(args, &destination, InteractionServiceClient::new(own)).await;
    server.drain().await;
    result
}

async fn dry_run(args: &import::ImportArgs) -> Result<(), Failure> {
    let Some(options) = args.options("nowhere") else {
        return Ok(());
    };
    let tried = tokio::task::spawn_blocking(move || import::dry_run(&options))
        .await
        .map_err(std::io::Error::other)??;
    if args.json {
        print(format_args!("{}", tried.to_json()))
    } else {
        print(format_args!("{tried}"))
    }
}

async fn run(
    args: &import::ImportArgs,
    destination: &str,
    client: InteractionServiceClient<client::Connection>,
) -> Result<(), Failure> {
    let json = if let Some(run) = args.undo {
        let summary = import::undo(
            client,
            &args.tenant,
            run,
            &args.reason,
            args.give_up_after(),
            import::Reporting::Shown,
        )
        .await?;
        say(format_args!("{summary}"));
        summary.to_json()
    } else {
        let Some(options) = args.options(destination) else {
            return Ok(());
        };
        let summary = import::import(options, client).await?;
        say(format_args!("{summary}"));
        summary.to_json()
    };
    if args.json {
        print(format_args!("{json}"))?;
    }
    Ok(())
}
