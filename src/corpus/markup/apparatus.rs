//! Titles of the sections of apparatus: references, links, what else to read.

/// In English, known in the wikis of every language.
const ENGLISH: [&str; 21] = [
    "annotations",
    "bibliography",
    "citations",
    "citations and notes",
    "explanatory notes",
    "external links",
    "footnotes",
    "further reading",
    "gallery",
    "general references",
    "links",
    "literature",
    "notes",
    "notes and references",
    "other uses",
    "publications",
    "references",
    "references and notes",
    "related pages",
    "see also",
    "sources",
];

/// By code of a language, in lower case, separated by `|`.
const OTHERS: [(&str, &str); 22] = [
    (
        "de",
        "siehe auch|literatur|weblinks|weblink|einzelnachweise|einzelnachweis|anmerkungen|quellen|fußnoten|belege|literatur und quellen|\
         weiterführende literatur|einzelnachweise und anmerkungen|anmerkungen und einzelnachweise|quellen und literatur|galerie|bilder|\
         externe links|literatur und weblinks|nachweise|bibliographie|bibliografie",
    ),
    (
        "fr",
        "voir aussi|notes et références|références|notes|liens externes|lien externe|bibliographie|annexes|articles connexes|sources|\
         galerie|article connexe|notes et sources|références et notes|source|pour approfondir|sources et bibliographie",
    ),
    (
        "ru",
        "см. также|см.также|смотри также|смотрите также|примечания|литература|ссылки|источники|комментарии|сноски|библиография|галерея|\
         примечания и источники|источники и литература|литература и источники|внешние ссылки|библиография и источники",
    ),
    (
        "uk",
        "див. також|примітки|література|посилання|джерела|виноски|галерея|зовнішні посилання|бібліографія|коментарі",
    ),
    ("be", "гл. таксама|заўвагі|крыніцы|літаратура|спасылкі|зноскі"),
    (
        "ja",
        "脚注|関連項目|外部リンク|参考文献|出典|注釈|脚註|注釈・出典|出典・脚注|関連文献|関連書籍|註釈|註|注|ギャラリー|文献|参照|参考資料|\
         脚注・出典|出典・参考文献|参考文献・資料|関連リンク",
    ),
    (
        "es",
        "véase también|vease también|ver también|referencias|enlaces externos|bibliografía|notas|notas y referencias|referencias y notas|\
         fuentes|galería|lecturas adicionales|literatura|citas|bibliografía adicional|enlaces",
    ),
    (
        "tr",
        "kaynakça|kaynaklar|dış bağlantılar|ayrıca bakınız|ayrıca bakın|notlar|dipnotlar|galeri|konuyla ilgili yayınlar|\
         bibliyografya|dış kaynaklar|notlar ve kaynaklar",
    ),
    (
        "it",
        "note|voci correlate|collegamenti esterni|altri progetti|bibliografia|fonti|galleria d'immagini|galleria|riferimenti|\
         annotazioni|note e riferimenti|collegamenti",
    ),
    (
        "pt",
        "ver também|veja também|referências|ligações externas|links externos|bibliografia|notas|notas e referências|\
         referências e notas|fontes|galeria|leitura adicional|leituras adicionais|referências bibliográficas",
    ),
    (
        "nl",
        "zie ook|externe links|externe link|bronnen|literatuur|referenties|noten|voetnoten|bronnen, noten en/of referenties|\
         bronnen en referenties|bronvermelding|galerij|noten en referenties|verwijzingen|bron|bronnen en noten",
    ),
    (
        "pl",
        "zobacz też|przypisy|linki zewnętrzne|bibliografia|uwagi|literatura|źródła|galeria|literatura dodatkowa|link zewnętrzny|\
         linki|uwagi i przypisy|odnośniki",
    ),
    (
        "bg",
        "вижте също|виж също|външни препратки|препратки|източници|бележки|литература|бележки и източници|библиография|галерия|\
         използвана литература|външни връзки|бележки и литература",
    ),
    (
        "zh",
        "参见|參見|参看|參看|参考文献|參考文獻|外部链接|外部連結|外部鏈接|外部连结|注释|註釋|注釋|脚注|腳註|参考资料|參考資料|延伸阅读|延伸閱讀|\
         相关条目|相關條目|资料来源|資料來源|注解|註解|备注|備註|图集|圖集|扩展阅读|擴展閱讀|引用|来源|來源|参考|參考|参考书目|參考書目|参考来源|參考來源",
    ),
    ("ko", "같이 보기|각주|외부 링크|참고 문헌|참고문헌|출처|주해|갤러리|바깥 고리|참고 자료"),
    ("sv", "se även|referenser|externa länkar|källor|noter|litteratur|fotnoter|galleri|vidare läsning|källförteckning"),
    ("da", "se også|referencer|eksterne henvisninger|kilder|noter|litteratur|fodnoter|galleri|eksterne links"),
    ("no", "se også|referanser|eksterne lenker|kilder|noter|litteratur|fotnoter|galleri|eksterne lenkjer"),
    ("cs", "související články|reference|externí odkazy|literatura|poznámky|zdroje|galerie|odkazy|související stránky"),
    ("fi", "katso myös|lähteet|aiheesta muualla|kirjallisuutta|viitteet|kirjallisuus|galleria|huomautukset"),
    ("ar", "انظر أيضًا|انظر أيضا|مراجع|المراجع|وصلات خارجية|مصادر|هوامش|معرض صور"),
    ("ca", "vegeu també|referències|enllaços externs|bibliografia|notes|notes i referències|galeria|fonts"),
];

/// Whether a section of a wiki in `language` is apparatus by its title.
pub fn is(language: &str, title: &str) -> bool {
    let title = title.to_lowercase().replace('\u{2019}', "'");
    let language = if matches!(language, "nb" | "nn") { "no" } else { language };
    let own = OTHERS.iter().find(|(code, _)| *code == language);
    ENGLISH.contains(&title.as_str()) || own.is_some_and(|(_, names)| names.split('|').any(|name| name == title))
}
