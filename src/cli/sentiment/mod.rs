//! `sentiment`: how a customer has felt, on one screen or as a picture.
//!
//! What must stay true: the screen says nothing that the answer does not say; every number stands beside the word for it and
//! beside how much it rests on; and a text that was masked shows as none.

mod moments;
mod plot;
mod screen;
mod spark;
pub(super) mod summary;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{
    Failure, client,
    json::Printer,
    terminal::{Look, emit},
    timeline::masked,
    who::Who,
};
use crate::proto::v1::{
    BucketWidth, GetSentimentHistoryRequest, GetSentimentHistoryResponse,
    interaction_service_client::InteractionServiceClient,
    sentiment_service_client::SentimentServiceClient,
};

/// Feelings of a page at most.
const PAGE: u64 = 100;
/// Feelings of a screen.
const SHOWN: u64 = 20;
/// Feelings of a picture.
const DRAWN: u64 = 1_000;

/// Whose feelings, and what of them.
#[derive(Args, Debug)]
pub struct SentimentArgs {
    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,

    /// Width of the buckets of the history; a month, or a week for --plot.
    #[arg(long, value_enum, value_name = "WIDTH")]
    bucket: Option<Bucket>,

    /// The time zone whose days, weeks and months the buckets are, as Asia/Tokyo; the tenant's when not given.
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "ZONE"
    )]
    bucket_zone: String,

    /// Only at or after this time: a day, which begins at midnight in --time-zone, or RFC 3339.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Only before this time.
    #[arg(long, value_name = "TIME")]
    before: Option<String>,

    /// Only with this department; may be given several times, like the next two.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    department: Vec<String>,

    /// Only through this channel.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    channel: Vec<String>,

    /// Only about this topic.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    topic: Vec<String>,

    /// After how many days a feeling counts half as much for the level; 30 when not given.
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=730), value_name = "DAYS")]
    half_life: Option<i32>,

    /// Show at most this many feelings one by one, newest first; 20 on a screen, 1,000 in a picture when not given.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000), value_name = "N")]
    limit: Option<u64>,

    /// Draw the history as an SVG to a file, `-` being standard output, instead of printing it.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    plot: Option<PathBuf>,

    /// Print the answer as JSON of the protocol.
    #[arg(long)]
    json: bool,
}

/// Widths of buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bucket {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A calendar month.
    Month,
    /// An hour.
    Hour,
}

impl Bucket {
    fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Hour => "hour",
        }
    }
}

impl SentimentArgs {
    /// Which buckets are asked for.
    fn bucket(&self) -> Bucket {
        let usual = if self.plot.is_some() {
            Bucket::Week
        } else {
            Bucket::Month
        };
        self.bucket.unwrap_or(usual)
    }

    fn request(&self) -> Result<GetSentimentHistoryRequest, Failure> {
        let time = |text: &Option<String>| {
            let read = text.as_deref().map(|text| self.look.time_zone.read(text));
            read.transpose().map_err(Failure::Call)
        };
        Ok(GetSentimentHistoryRequest {
            lookup: Some(self.who.lookup()?),
            from: time(&self.from)?,
            before: time(&self.before)?,
            bucket: match self.bucket() {
                Bucket::Day => BucketWidth::Day,
                Bucket::Week => BucketWidth::Week,
                Bucket::Month => BucketWidth::Month,
                Bucket::Hour => BucketWidth::Hour,
            }
            .into(),
            departments: self.department.clone(),
            channels: self.channel.clone(),
            topics: self.topic.clone(),
            half_life_days: self.half_life.unwrap_or_default(),
            time_zone: self.bucket_zone.clone(),
            ..GetSentimentHistoryRequest::default()
        })
    }

    /// What was asked for, in words.
    fn about(&self) -> String {
        let mut about = vec![format!("a bucket is a {}", self.bucket().name())];
        if !self.bucket_zone.is_empty() {
            about.push(format!("of {}", self.bucket_zone));
        }
        for (name, given) in [("from", &self.from), ("before", &self.before)] {
            about.extend(given.as_ref().map(|time| format!("{name} {time}")));
        }
        for (name, given) in [
            ("with", &self.department),
            ("through", &self.channel),
            ("about", &self.topic),
        ] {
            if !given.is_empty() {
                about.push(format!("only {name} {}", given.join(", ")));
            }
        }
        about.join("; ")
    }
}

/// `sentiment`.
pub(super) async fn sentiment(args: &SentimentArgs) -> Result<(), Failure> {
    let request = args.request()?;
    let usual = if args.plot.is_some() { DRAWN } else { SHOWN };
    let connection = args.target.connect()?;
    let most = args.limit.unwrap_or(usual);
    let answer = whole(args, connection.clone(), request.clone(), most).await?;
    let screen = args.look.screen();
    if args.json {
        emit(&Printer::new("GetSentimentHistoryResponse")?.pretty(&answer)?)?;
        return Ok(());
    }
    if let Some(file) = &args.plot {
        let client = InteractionServiceClient::new(connection);
        let events = plot::events(client, &request, &args.who).await?;
        let picture = plot::picture(&answer, &events, &request, &args.about(), &screen);
        write(file, &picture.map_err(Failure::Call)?)?;
    } else {
        screen.print(&screen::lines(&answer, args.bucket().name(), &screen))?;
    }
    masked(&answer.masked_fields);
    Ok(())
}

/// The history with at most so many of its items, of as many pages as they take.
async fn whole(
    args: &SentimentArgs,
    connection: client::Connection,
    mut request: GetSentimentHistoryRequest,
    most: u64,
) -> Result<GetSentimentHistoryResponse, Failure> {
    let mut client = SentimentServiceClient::new(connection);
    let mut left = most;
    let mut whole: Option<GetSentimentHistoryResponse> = None;
    loop {
        request.page_size = i32::try_from(left.min(PAGE)).unwrap_or_default();
        let page = client
            .get_sentiment_history(request.clone())
            .await
            .map_err(|status| args.who.failed(&status))?
            .into_inner();
        left = left.saturating_sub(u64::try_from(page.items.len()).unwrap_or(left));
        request.page_token.clone_from(&page.next_page_token);
        let known = match whole.take() {
            None => page,
            Some(mut known) => {
                known.items.extend(page.items);
                known.next_page_token = page.next_page_token;
                known
            }
        };
        if left == 0 || request.page_token.is_empty() {
            return Ok(known);
        }
        whole = Some(known);
    }
}

/// Writes a picture to a file, or to standard output.
fn write(file: &Path, picture: &str) -> Result<(), Failure> {
    if file == Path::new("-") {
        emit(picture)?;
        return Ok(());
    }
    std::fs::write(file, picture)
        .map_err(|error| Failure::Call(format!("{}: {error}", file.display())))
}
