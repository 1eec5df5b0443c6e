//! `__NOTOC__` and similar switches: words between double underscores that control how the wiki shows a page.

use std::collections::HashSet;
use std::sync::LazyLock;

/// As MediaWiki's message files have them, in English and other languages. Case does not matter; other words between
/// underscores (`__init__`, `__FILE__`) are text.
const WORDS: &str = "\
NOTOC|FORCETOC|TOC|NOEDITSECTION|NEWSECTIONLINK|NONEWSECTIONLINK|NOGALLERY|HIDDENCAT|EXPECTUNUSEDCATEGORY|EXPECTUNUSEDTEMPLATE|\
NOCONTENTCONVERT|NOCC|NOTITLECONVERT|NOTC|START|END|INDEX|NOINDEX|STATICREDIRECT|DISAMBIG|NOGLOBAL|ARCHIVEDTALK|NOTALK|\
EXPECTED_UNCONNECTED_PAGE|\
KEIN_INHALTSVERZEICHNIS|KEININHALTSVERZEICHNIS|INHALTSVERZEICHNIS_ERZWINGEN|INHALTSVERZEICHNIS|KEINE_GALERIE|KEINEGALERIE|\
ABSCHNITTE_NICHT_BEARBEITEN|NEUER_ABSCHNITTSLINK|PLUS_LINK|KEIN_NEUER_ABSCHNITTSLINK|KEIN_PLUS_LINK|VERSTECKTE_KATEGORIE|\
WARTUNGSKATEGORIE|INDEXIEREN|INDIZIEREN|NICHT_INDEXIEREN|KEIN_INDEX|NICHT_INDIZIEREN|PERMANENTE_WEITERLEITUNG|BEGRIFFSKLÄRUNG|\
AUCUNSOMMAIRE|AUCUNETDM|SOMMAIRE|TDM|FORCERSOMMAIRE|FORCERTDM|AUCUNEGALERIE|SECTIONNONEDITABLE|SECTIONNONÉDITABLE|\
LIENNOUVELLESECTION|AUCUNLIENNOUVELLESECTION|CATCACHEE|CATCACHÉE|AUCUNINDEX|REDIRECTIONSTATIQUE|\
SIN_TDC|SINTDC|NOTDC|FORZAR_TDC|FORZARTDC|FORZARTOC|TDC|NOEDITARSECCION|NOEDITARSECCIÓN|SINGALERIA|SINGALERÍA|NOGALERIA|\
CATEGORIAOCULTA|CATEGORÍAOCULTA|INDEXAR|NOINDEXAR|\
INDICE|FORZAINDICE|NOINDICE|NOMODIFICASEZIONE|NOGALLERIA|CATNASCOSTA|\
SEMTDC|SEMSUMARIO|SEMSUMÁRIO|FORCARTDC|FORÇARTDC|FORCARSUMARIO|FORÇARSUMÁRIO|SUMARIO|SUMÁRIO|NAOEDITARSECAO|NÃOEDITARSEÇÃO|\
SEMGALERIA|NAOINDEXAR|NÃOINDEXAR|\
GEENINHOUD|INHOUD_DWINGEN|INHOUDDWINGEN|FORCEERINHOUD|INHOUD|NIETBEWERKBARESECTIE|GEEN_GALERIJ|GEENGALERIJ|VERBORGENCAT|GEENINDEX|\
BEZSPISU|BEZ_SPISU|ZESPISEM|ZE_SPISEM|WYMUŚSPIS|SPIS|BEZEDYCJISEKCJI|BEZGALERII|UKRYTAKATEGORIA|KATEGORIAUKRYTA|INDEKSUJ|NIEINDEKSUJ|\
БЕЗОГЛ|БЕЗ_ОГЛ|БЕЗ_ОГЛАВЛЕНИЯ|ОБЯЗОГЛ|ОБЯЗ_ОГЛ|ОБЯЗ_ОГЛАВЛЕНИЕ|ОГЛ|ОГЛАВЛЕНИЕ|БЕЗРЕДРАЗДЕЛОВ|БЕЗ_РЕДАКТИРОВАНИЯ_РАЗДЕЛА|\
БЕЗГАЛЕРЕИ|БЕЗ_ГАЛЕРЕИ|СКРЫТАЯ|СКРЫТАЯКАТЕГОРИЯ|ИНДЕКС|БЕЗИНДЕКСА|БЕЗ_ИНДЕКСА|\
БЕЗ_ЗМІСТУ|БЕЗЗМІСТУ|ЗМІСТ|ПРИМУС_ЗМІСТ|БЕЗ_РЕДАГ_РОЗДІЛУ|БЕЗ_ГАЛЕРЕЇ|\
БЕЗСЪДЪРЖАНИЕ|СЪДЪРЖАНИЕ|СССЪДЪРЖАНИЕ|БЕЗГАЛЕРИЯ|СКРИТАКАТЕГОРИЯ|\
目次非表示|目次強制|目次|節編集非表示|セクション編集非表示|ギャラリー非表示|カテゴリ非表示|カテゴリー非表示|インデックス|ノーインデックス|\
无目录|無目錄|強顯目錄|强显目录|强制目录|目录|目錄|无段落编辑|無段落編輯|不编辑段落|无图库|無圖庫|隐藏分类|隱藏分類|不转换标题|不轉換標題|\
不转换内容|不轉換內容|\
İÇİNDEKİLERYOK|İÇİNDEKİLERZORUNLU|İÇİNDEKİLER|DEĞİŞTİRYOK|GALERİYOK|GİZLİKAT|\
목차숨김|목차보임|목차|INGENINNEHÅLLSFÖRTECKNING|INNEHÅLLSFÖRTECKNING|لا_فهرس|فهرس";

static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| WORDS.split('|').map(str::to_lowercase).collect());

/// Characters of the longest word, and some more.
const LONGEST: usize = 40;

/// Removes the switches of a line.
pub fn switches(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find("__") {
        text.push_str(&rest[..start]);
        let inside = super::link::head(&rest[start + 2..], LONGEST);
        match inside.find("__").filter(|&end| KNOWN.contains(&inside[..end].to_lowercase())) {
            Some(end) => rest = &rest[start + 2 + end + 2..],
            None => {
                // One at a time: of three underscores the last two may be the start.
                text.push('_');
                rest = &rest[start + 1..];
            }
        }
    }
    text.push_str(rest);
    text
}
