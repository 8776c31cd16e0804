//! Names, put together of parts, so that there are thousands, some of them frequent, many of them alike.

use super::random::Random;

/// A family or given name. `latin` has a macron where the vowel is long; English names have neither kanji nor kana.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Name {
    pub(crate) kanji: String,
    pub(crate) kana: String,
    pub(crate) latin: String,
}

const FREQUENT: &str = "佐藤:サトウ:satō 鈴木:スズキ:suzuki 高橋:タカハシ:takahashi 田中:タナカ:tanaka 伊藤:イトウ:itō \
    渡辺:ワタナベ:watanabe 山本:ヤマモト:yamamoto 中村:ナカムラ:nakamura 小林:コバヤシ:kobayashi 加藤:カトウ:katō";
const FAMILY: [&str; 2] = [
    "山:ヤマ:yama 川:カワ:kawa 中:ナカ:naka 高:タカ:taka 松:マツ:matsu 石:イシ:ishi 木:キ:ki 森:モリ:mori 藤:フジ:fuji \
     大:オオ:ō 小:オ:o 西:ニシ:nishi 北:キタ:kita 南:ミナミ:minami 上:ウエ:ue 村:ムラ:mura 杉:スギ:sugi 竹:タケ:take \
     黒:クロ:kuro 白:シラ:shira 青:アオ:ao 水:ミズ:mizu 金:カナ:kana 平:ヒラ:hira 吉:ヨシ:yoshi 長:ナガ:naga 福:フク:fuku \
     岡:オカ:oka 横:ヨコ:yoko 宮:ミヤ:miya 浅:アサ:asa 広:ヒロ:hiro 桜:サクラ:sakura 土:ツチ:tsuchi 近:コン:kon 工:ク:ku",
    "田:タ:ta 川:カワ:kawa 本:モト:moto 村:ムラ:mura 山:ヤマ:yama 野:ノ:no 沢:サワ:sawa 崎:サキ:saki 島:シマ:shima 井:イ:i \
     橋:ハシ:hashi 原:ハラ:hara 谷:タニ:tani 口:グチ:guchi 岡:オカ:oka 辺:ベ:be 浜:ハマ:hama 瀬:セ:se 下:シタ:shita \
     内:ウチ:uchi 倉:クラ:kura 池:イケ:ike 藤:ドウ:dō 津:ヅ:zu 塚:ヅカ:zuka",
];
const WOMEN: [&str; 2] = [
    "美:ミ:mi 恵:ケイ:kei 由:ユ:yu 真:マ:ma 香:カ:ka 千:チ:chi 早:サ:sa 奈:ナ:na 陽:ヒ:hi 綾:アヤ:aya 智:トモ:tomo 友:トモ:tomo \
     裕:ユウ:yū 典:ノリ:nori 和:カズ:kazu 久:ヒサ:hisa 優:ユウ:yū 春:ハル:haru 淳:ジュン:jun 静:シズ:shizu 幸:ユキ:yuki",
    "子:コ:ko 美:ミ:mi 香:カ:ka 奈:ナ:na 恵:エ:e 代:ヨ:yo 里:リ:ri 花:カ:ka 穂:ホ:ho 衣:イ:i 紀:キ:ki 絵:エ:e",
];
const MEN: [&str; 2] = [
    "健:ケン:ken 隆:タカ:taka 大:ダイ:dai 翔:ショウ:shō 直:ナオ:nao 和:カズ:kazu 雄:ユウ:yū 正:マサ:masa 孝:タカ:taka 浩:ヒロ:hiro \
     幸:ユキ:yuki 俊:トシ:toshi 秀:ヒデ:hide 信:ノブ:nobu 光:ミツ:mitsu 拓:タク:taku 悠:ユウ:yū 亮:リョウ:ryō 哲:テツ:tetsu 純:ジュン:jun",
    "太:タ:ta 一:イチ:ichi 二:ジ:ji 志:シ:shi 也:ヤ:ya 樹:キ:ki 介:スケ:suke 郎:ロウ:rō 人:ト:to 男:オ:o 彦:ヒコ:hiko 平:ヘイ:hei \
     史:シ:shi 夫:オ:o",
];
const ENGLISH: &str = "Smith Jones Johnson Williams Brown Taylor Davies Garcia Nguyen Lee";
const ENGLISH_PARTS: [&str; 2] = [
    "Ash Black Brad Brook Clay Cole Cop Dun East Fair Green Hamp Hart Ken Lang Mar Nor Pem Red Rock Shel Stan Thorn Wal West Whit Wood",
    "ford ton ley well worth field wood man by ham more ridge son er",
];
const ENGLISH_GIVEN: &str = "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara \
    Richard Susan Joseph Jessica Thomas Karen Christopher Sarah Charles Lisa Daniel Nancy Matthew Sandra Anthony Betty \
    Mark Ashley Donald Emily Steven Kimberly Andrew Margaret Paul Donna Joshua Michelle Kenneth Carol Kevin Amanda Brian \
    Melissa George Deborah Timothy Stephanie Ronald Rebecca Jason Sharon Edward Laura Jeffrey Cynthia Ryan Dorothy Jacob \
    Amy Nicholas Kathleen Gary Angela Eric Shirley Jonathan Emma Stephen Brenda Larry Pamela Justin Nicole Scott Anna \
    Brandon Samantha Benjamin Katherine Samuel Christine Gregory Debra Alexander Rachel Patrick Carolyn Frank Janet Jack \
    Maria Zoe Olivia Noah Liam Harry Amelia Charlotte Sophie Grace Priya Hannah Carlos Ahmed Peter";

fn parts(list: &str) -> Vec<Name> {
    list.split_whitespace()
        .map(|entry| {
            let mut columns = entry.split(':').map(str::to_owned);
            let mut next = || columns.next().unwrap();
            Name {
                kanji: next(),
                kana: next(),
                latin: next(),
            }
        })
        .collect()
}

fn joined(random: &mut Random, lists: [&str; 2]) -> Name {
    let (first, second) = (parts(lists[0]), parts(lists[1]));
    loop {
        let (a, b) = (random.skewed(&first), random.skewed(&second));
        if a.kanji != b.kanji {
            return Name {
                kanji: format!("{}{}", a.kanji, b.kanji),
                kana: format!("{}{}", a.kana, b.kana),
                latin: format!("{}{}", a.latin, b.latin),
            };
        }
    }
}

fn english(latin: &str) -> Name {
    Name {
        latin: latin.to_owned(),
        ..Name::default()
    }
}

pub(crate) fn family(random: &mut Random, japanese: bool) -> Name {
    match (japanese, random.chance(10)) {
        (true, true) => random.skewed(&parts(FREQUENT)).clone(),
        (true, false) => joined(random, FAMILY),
        (false, true) => {
            let all: Vec<&str> = ENGLISH.split(' ').collect();
            english(random.skewed::<&str>(&all))
        }
        (false, false) => {
            let lists: Vec<Vec<&str>> = ENGLISH_PARTS
                .iter()
                .map(|l| l.split(' ').collect())
                .collect();
            english(&format!(
                "{}{}",
                random.skewed(&lists[0]),
                random.skewed(&lists[1])
            ))
        }
    }
}

pub(crate) fn given(random: &mut Random, japanese: bool) -> Name {
    if japanese {
        let lists = if random.chance(50) { WOMEN } else { MEN };
        return joined(random, lists);
    }
    let all: Vec<&str> = ENGLISH_GIVEN.split_whitespace().collect();
    english(random.skewed::<&str>(&all))
}

/// The very frequent names that many strangers share.
pub(crate) fn namesake(random: &mut Random, japanese: bool) -> (Name, Name) {
    if japanese {
        let given = parts("健一:ケンイチ:ken'ichi 美香:ミカ:mika 裕子:ユウコ:yūko");
        return (
            random.pick(&parts(FREQUENT)[..3]).clone(),
            random.pick(&given).clone(),
        );
    }
    let given = ["John", "Mary", "David"];
    (english("Smith"), english(random.pick::<&str>(&given)))
}

/// Latin letters as somebody chooses to write them: long vowels three ways, Hepburn or Kunrei.
pub(crate) fn spelt(random: &mut Random, latin: &str) -> String {
    let (o, u) = *random.pick(&[("o", "u"), ("ou", "uu"), ("oh", "u"), ("o", "u")]);
    let text = latin.replace('ō', o).replace('ū', u);
    if !random.chance(15) {
        return capital(&text);
    }
    let kunrei = [
        ("shi", "si"),
        ("sh", "sy"),
        ("chi", "ti"),
        ("tsu", "tu"),
        ("fu", "hu"),
        ("ji", "zi"),
        ("ju", "zyu"),
    ];
    capital(
        &kunrei
            .iter()
            .fold(text, |text, (from, to)| text.replace(from, to)),
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
