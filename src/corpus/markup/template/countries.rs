//! Countries and territories by their ISO 3166 code: `{{NOR}}` shows a flag and the name.

/// Codes in capitals with names.
const NAMES: &str = "\
AFG Afghanistan|ALB Albania|DZA Algeria|ASM American Samoa|AND Andorra|AGO Angola|AIA Anguilla|ATA Antarctica|ATG Antigua and Barbuda|\
ARG Argentina|ARM Armenia|ABW Aruba|AUS Australia|AUT Austria|AZE Azerbaijan|BHS Bahamas|BHR Bahrain|BGD Bangladesh|BRB Barbados|\
BLR Belarus|BEL Belgium|BLZ Belize|BEN Benin|BMU Bermuda|BTN Bhutan|BOL Bolivia|BIH Bosnia and Herzegovina|BWA Botswana|BVT Bouvet Island|\
BRA Brazil|VGB British Virgin Islands|BRN Brunei|BGR Bulgaria|BFA Burkina Faso|BDI Burundi|KHM Cambodia|CMR Cameroon|CAN Canada|\
CPV Cape Verde|CYM Cayman Islands|CAF Central African Republic|TCD Chad|CHL Chile|CHN China|COL Colombia|COM Comoros|COG Republic of the Congo|\
COD Democratic Republic of the Congo|COK Cook Islands|CRI Costa Rica|CIV Ivory Coast|HRV Croatia|CUB Cuba|CUR Curaçao|CUW Curaçao|CYP Cyprus|\
CZE Czech Republic|DNK Denmark|DEN Denmark|DJI Djibouti|DMA Dominica|DOM Dominican Republic|TLS East Timor|ECU Ecuador|EGY Egypt|\
SLV El Salvador|ENG England|GNQ Equatorial Guinea|ERI Eritrea|ESH Western Sahara|EST Estonia|ETH Ethiopia|FLK Falkland Islands|FRO Faroe Islands|\
FJI Fiji|FIN Finland|FRA France|GUF French Guiana|PYF French Polynesia|GAB Gabon|GMB Gambia|GEO Georgia|DEU Germany|GER Germany|GHA Ghana|\
GIB Gibraltar|GRC Greece|GRE Greece|GRL Greenland|GRD Grenada|GLP Guadeloupe|GUM Guam|GTM Guatemala|GGY Guernsey|GIN Guinea|GNB Guinea-Bissau|\
GUY Guyana|HTI Haiti|HND Honduras|HKG Hong Kong|HUN Hungary|ISL Iceland|IND India|IDN Indonesia|INA Indonesia|IRN Iran|IRQ Iraq|IRL Ireland|\
IMN Isle of Man|IOM Isle of Man|ISR Israel|ITA Italy|JAM Jamaica|JPN Japan|JEY Jersey|JOR Jordan|KAZ Kazakhstan|KEN Kenya|KIR Kiribati|\
PRK North Korea|KOR South Korea|KWT Kuwait|KGZ Kyrgyzstan|LAO Laos|LVA Latvia|LBN Lebanon|LSO Lesotho|LBR Liberia|LBY Libya|LIE Liechtenstein|\
LTU Lithuania|LUX Luxembourg|MAC Macau|MKD Macedonia|MDG Madagascar|MWI Malawi|MYS Malaysia|MAS Malaysia|MDV Maldives|MLI Mali|MLT Malta|\
MHL Marshall Islands|MTQ Martinique|MRT Mauritania|MUS Mauritius|MYT Mayotte|MEX Mexico|FSM Federated States of Micronesia|MDA Moldova|\
MCO Monaco|MNG Mongolia|MNE Montenegro|MSR Montserrat|MAR Morocco|MOZ Mozambique|MMR Myanmar|NAM Namibia|NRU Nauru|NPL Nepal|NLD Netherlands|\
NED Netherlands|NCL New Caledonia|NZL New Zealand|NIC Nicaragua|NER Niger|NGA Nigeria|NIU Niue|NFK Norfolk Island|NIR Northern Ireland|\
MNP Northern Mariana Islands|NOR Norway|OMN Oman|PAK Pakistan|PLW Palau|PSE Palestine|PAN Panama|PNG Papua New Guinea|PRY Paraguay|PER Peru|\
PHL Philippines|PHI Philippines|PCN Pitcairn Islands|POL Poland|PRT Portugal|POR Portugal|PRI Puerto Rico|QAT Qatar|REU Réunion|ROU Romania|\
RUS Russia|RWA Rwanda|BLM Saint Barthélemy|SHN Saint Helena|KNA Saint Kitts and Nevis|LCA Saint Lucia|MAF Saint Martin|SPM Saint Pierre and Miquelon|\
VCT Saint Vincent and the Grenadines|WSM Samoa|SMR San Marino|STP São Tomé and Príncipe|SAU Saudi Arabia|KSA Saudi Arabia|SCO Scotland|SEN Senegal|\
SRB Serbia|SYC Seychelles|SLE Sierra Leone|SGP Singapore|SIN Singapore|SXM Sint Maarten|SVK Slovakia|SVN Slovenia|SLO Slovenia|SLB Solomon Islands|\
SOM Somalia|ZAF South Africa|RSA South Africa|SGS South Georgia and the South Sandwich Islands|SSD South Sudan|URS Soviet Union|ESP Spain|LKA Sri Lanka|\
SRI Sri Lanka|SDN Sudan|SUR Suriname|SJM Svalbard and Jan Mayen|SWZ Swaziland|SWE Sweden|CHE Switzerland|SUI Switzerland|SYR Syria|TWN Taiwan|\
TPE Chinese Taipei|TJK Tajikistan|TZA Tanzania|THA Thailand|TGO Togo|TKL Tokelau|TON Tonga|TTO Trinidad and Tobago|TUN Tunisia|TUR Turkey|\
TKM Turkmenistan|TCA Turks and Caicos Islands|TUV Tuvalu|UGA Uganda|UKR Ukraine|ARE United Arab Emirates|UAE United Arab Emirates|\
GBR United Kingdom|UK United Kingdom|USA United States|US United States|VIR U.S. Virgin Islands|URY Uruguay|URU Uruguay|UZB Uzbekistan|VUT Vanuatu|\
VAT Vatican City|VEN Venezuela|VNM Vietnam|VIE Vietnam|WAL Wales|WLF Wallis and Futuna|YEM Yemen|YUG Yugoslavia|ZMB Zambia|ZWE Zimbabwe|\
EU European Union|UN United Nations|PRC China|ROC Taiwan|ROK South Korea|DPRK North Korea|GDR East Germany|FRG West Germany";

/// In wikis that are not English the code, or what is shown in place of the name; `{{AUT|#}}` is the flag alone.
pub fn code(arguments: &super::arguments::Arguments) -> Option<String> {
    Some(
        match arguments.get(0) {
            "" => arguments.name,
            "#" => "",
            shown => shown,
        }
        .to_owned(),
    )
}

/// The name of a country by a code in capitals.
pub fn name(code: &str) -> Option<&'static str> {
    if !(2..=4).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    NAMES.split('|').filter_map(|pair| pair.split_once(' ')).find(|(known, _)| *known == code).map(|(_, name)| name)
}
