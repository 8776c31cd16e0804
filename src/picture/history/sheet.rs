//! What is drawn on: shapes, texts and their places by `plotters`; and what is told when one points at something, which is
//! laid over its picture.

use std::fmt::Write as _;

use plotters::backend::SVGBackend;
use plotters::{
    coord::{
        Shift,
        cartesian::Cartesian2d,
        types::{RangedCoordf64, RangedCoordi64},
    },
    drawing::{DrawingArea, IntoDrawingArea as _},
    element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle},
    style::{
        Color as _, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{LEFT, RIGHT, model::Span};
use crate::{
    clock::Micros,
    picture::svg::{FONTS, columns, escaped, room},
    proto::v1::SentimentLabel,
    visible::{cut, visible},
};

/// What a size is multiplied with to become one of `plotters`, which divides by it.
const POINT: f64 = 1.24;

/// Colours, all to be seen on light ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Text,
    Strong,
    Faint,
    Bad,
    Neutral,
    Good,
    Level,
    Event,
    Grid,
    Border,
    BadGround,
    GoodGround,
    Paper,
}

impl Ink {
    fn rgb(self) -> RGBColor {
        match self {
            Self::Text | Self::Strong => RGBColor(0x1b, 0x24, 0x30),
            Self::Faint => RGBColor(0x56, 0x64, 0x76),
            Self::Bad => RGBColor(0xc2, 0x41, 0x0c),
            Self::Neutral => RGBColor(0x64, 0x74, 0x8b),
            Self::Good => RGBColor(0x0f, 0x76, 0x6e),
            Self::Level => RGBColor(0x1d, 0x4e, 0xd8),
            Self::Event => RGBColor(0x6d, 0x28, 0xd9),
            Self::Grid => RGBColor(0xe3, 0xe8, 0xef),
            Self::Border => RGBColor(0xb6, 0xc2, 0xd1),
            Self::BadGround => RGBColor(0xff, 0xf4, 0xed),
            Self::GoodGround => RGBColor(0xed, 0xf9, 0xf5),
            Self::Paper => RGBColor(0xff, 0xff, 0xff),
        }
    }

    /// Of a label.
    pub(super) fn of(label: SentimentLabel) -> Self {
        match label {
            SentimentLabel::Negative => Self::Bad,
            SentimentLabel::Positive => Self::Good,
            SentimentLabel::Neutral | SentimentLabel::Unspecified => Self::Neutral,
        }
    }
}

/// What a dot looks like; departments differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
}

impl Shape {
    /// Shapes of departments; those after them have the first.
    pub(super) const ALL: [Self; 4] = [Self::Circle, Self::Square, Self::Triangle, Self::Diamond];

    /// Of a department by its place.
    pub(super) fn of(department: usize) -> Self {
        Self::ALL.get(department).copied().unwrap_or(Self::Circle)
    }
}

/// Where a text is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Where a text stands and how much room it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) x: i32,
    /// Of the line that letters stand on.
    pub(super) y: i32,
    pub(super) room: i32,
    pub(super) anchor: Anchor,
}

/// A place that a text takes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
}

impl Area {
    /// Whether two lie upon one another.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

/// A text made visible, cut to its room, without what is no character of XML.
pub(super) fn fitted(text: &str, size: i32, room: i32) -> String {
    let text = visible(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    let natural = |n: i32| usize::try_from(n).unwrap_or_default();
    cut(&text, columns(natural(room), natural(size).max(1))).into_owned()
}

/// How wide a text is at most.
pub(super) fn wide(text: &str, size: i32) -> i32 {
    let size = usize::try_from(size).unwrap_or_default();
    i32::try_from(room(text, size)).unwrap_or(i32::MAX)
}

/// The place of a text.
pub(super) fn area(at: At, size: i32, text: &str) -> Area {
    let wide = wide(text, size);
    let left = match at.anchor {
        Anchor::Start => at.x,
        Anchor::Middle => at.x - wide / 2,
        Anchor::End => at.x - wide,
    };
    Area {
        left,
        top: at.y - size,
        right: left + wide,
        bottom: at.y + size / 4,
    }
}

type Chart = Cartesian2d<RangedCoordi64, RangedCoordf64>;

/// A picture under way.
pub(super) struct Sheet<'a> {
    root: DrawingArea<SVGBackend<'a>, Shift>,
    chart: DrawingArea<SVGBackend<'a>, Chart>,
    span: Span,
    /// Texts.
    areas: Vec<Area>,
    /// What texts should not hide.
    kept: Vec<Area>,
    /// What they should hide only where there is no better place.
    shunned: Vec<Area>,
    over: String,
}

impl<'a> Sheet<'a> {
    /// A sheet of a width and height, with the band of feelings between two heights.
    pub(super) fn new(
        into: &'a mut String,
        (width, height): (i32, i32),
        span: Span,
        (top, bottom): (i32, i32),
    ) -> Result<Self, String> {
        let size = (width.unsigned_abs(), height.unsigned_abs());
        let root = SVGBackend::with_string(into, size).into_drawing_area();
        root.fill(&Ink::Paper.rgb()).map_err(failed)?;
        let chart = root.apply_coord_spec(Chart::new(
            span.from.0..span.to.0,
            -1.0..1.0,
            (LEFT..RIGHT, bottom..top),
        ));
        Ok(Self {
            root,
            chart,
            span,
            areas: Vec::new(),
            kept: Vec::new(),
            shunned: Vec::new(),
            over: String::new(),
        })
    }

    /// Where a time is.
    pub(super) fn x(&self, at: Micros) -> i32 {
        LEFT + self.span.place(at, RIGHT - LEFT)
    }

    /// Where a polarity is.
    pub(super) fn y(&self, polarity: f64) -> i32 {
        self.chart.map_coordinate(&(self.span.from.0, polarity)).1
    }

    /// A filled rectangle: left, top, right, bottom.
    pub(super) fn fill(&self, place: (i32, i32, i32, i32), ink: Ink) -> Result<(), String> {
        self.rectangle(place, ink.rgb().filled())
    }

    /// The outline of one.
    pub(super) fn frame(&self, place: (i32, i32, i32, i32)) -> Result<(), String> {
        self.rectangle(place, ink_of(Ink::Border, 1))
    }

    fn rectangle(&self, at: (i32, i32, i32, i32), style: ShapeStyle) -> Result<(), String> {
        let corners = [(at.0, at.1), (at.2, at.3)];
        self.root
            .draw(&Rectangle::new(corners, style))
            .map_err(failed)
    }

    /// A line.
    pub(super) fn line(&self, points: [(i32, i32); 2], ink: Ink, width: u32) -> Result<(), String> {
        self.root
            .draw(&PathElement::new(points, ink_of(ink, width)))
            .map_err(failed)
    }

    /// A line of dashes.
    pub(super) fn dashes(&self, points: [(i32, i32); 2], ink: Ink) -> Result<(), String> {
        self.root
            .draw(&DashedPathElement::new(points, 5, 4, ink_of(ink, 1)))
            .map_err(failed)
    }

    /// A line through times and polarities.
    pub(super) fn curve(&self, points: Vec<(i64, f64)>, width: u32) -> Result<(), String> {
        self.chart
            .draw(&PathElement::new(points, ink_of(Ink::Level, width)))
            .map_err(failed)
    }

    /// A dot.
    pub(super) fn dot(
        &self,
        shape: Shape,
        (x, y): (i32, i32),
        radius: i32,
        ink: Ink,
    ) -> Result<(), String> {
        let r = radius;
        let draws = |points: Vec<(i32, i32)>| {
            self.root
                .draw(&Polygon::new(points, ink.rgb().filled()))
                .map_err(failed)
        };
        match shape {
            Shape::Circle => self
                .root
                .draw(&Circle::new((x, y), r, ink.rgb().filled()))
                .map_err(failed),
            Shape::Square => self.fill((x - r + 1, y - r + 1, x + r - 1, y + r - 1), ink),
            Shape::Triangle => draws(vec![(x, y - r - 1), (x + r + 1, y + r), (x - r - 1, y + r)]),
            Shape::Diamond => draws(vec![
                (x, y - r - 2),
                (x + r + 2, y),
                (x, y + r + 2),
                (x - r - 2, y),
            ]),
        }
    }

    /// A text, cut to its room.
    pub(super) fn text(&mut self, at: At, size: i32, ink: Ink, text: &str) -> Result<(), String> {
        let shown = fitted(text, size, at.room);
        if shown.is_empty() {
            return Ok(());
        }
        self.areas.push(area(at, size, &shown));
        let style = if ink == Ink::Strong {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let font = FontDesc::new(FontFamily::Name(FONTS), f64::from(size) * POINT, style);
        let anchor = match at.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let colour = ink.rgb();
        let style = TextStyle::from(font)
            .color(&colour)
            .pos(Pos::new(anchor, VPos::Bottom));
        // Half the height of an x is added by `plotters`.
        self.root
            .draw_text(&shown, &style, (at.x, at.y + size / 4))
            .map_err(failed)
    }

    /// Says that no text that can stand elsewhere should stand here.
    pub(super) fn keep(&mut self, area: Area) {
        self.kept.push(area);
    }

    /// As `keep`, all along a line.
    pub(super) fn keep_line(&mut self, from: (i32, i32), to: (i32, i32)) {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()) / 6 + 1;
        for step in 0..=steps {
            let x = from.0 + (to.0 - from.0) * step / steps;
            let y = from.1 + (to.1 - from.1) * step / steps;
            self.keep(Area {
                left: x - 3,
                top: y - 3,
                right: x + 3,
                bottom: y + 3,
            });
        }
    }

    /// Says that a text should rather not stand here.
    pub(super) fn shun(&mut self, area: Area) {
        self.shunned.push(area);
    }

    /// Whether a text may stand here.
    pub(super) fn is_free(&self, area: &Area) -> bool {
        let mut taken = self.areas.iter().chain(&self.kept);
        !taken.any(|other| other.meets(area))
    }

    /// Whether it stands well here, too.
    pub(super) fn is_good(&self, area: &Area) -> bool {
        self.is_free(area) && !self.shunned.iter().any(|other| other.meets(area))
    }

    /// Tells something to who points at a place.
    pub(super) fn tell(&mut self, (x, y): (i32, i32), radius: i32, told: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.over,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill-opacity=\"0\"><title>{}</title></circle>",
            escaped(told)
        );
    }

    /// What is laid over the picture, and where texts are.
    pub(super) fn finish(self) -> Result<(Vec<Area>, String), String> {
        self.root.present().map_err(failed)?;
        Ok((self.areas, self.over))
    }
}

fn ink_of(ink: Ink, width: u32) -> ShapeStyle {
    ink.rgb().stroke_width(width)
}

fn failed(error: impl std::fmt::Display) -> String {
    format!("drawing: {error}")
}

/// A picture of `plotters` with what it tells, to readers and to those who point.
pub(super) fn complete(svg: &str, (title, told): &(String, String), over: &str) -> String {
    let (begin, rest) = svg.split_once(">\n").unwrap_or(("<svg", svg));
    let (body, _) = rest.rsplit_once("</svg>").unwrap_or((rest, ""));
    let title = escaped(title);
    format!(
        "{begin} role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<desc>{}</desc>\n{body}{over}</svg>\n",
        escaped(told)
    )
}
