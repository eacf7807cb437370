/**
 * The zones of the IANA database (tzdata 2025c; `UTC` apart), each with what its offsets, in seconds east of
 * UTC, are called since 1970. A line is one or more eras, each from the Unix second after its `@` on, then the zones that
 * share them; lines that begin with a space go on. Zones without names call an offset by its digits.
 *
 * Source: https://www.iana.org/time-zones (public domain).
 */
export const ZONE_TABLE = `
GMT=0 : Africa/Abidjan Africa/Accra Africa/Bamako Africa/Banjul Africa/Conakry Africa/Dakar
  Africa/Freetown Africa/Lome Africa/Nouakchott Africa/Ouagadougou Africa/Timbuktu
  Atlantic/Reykjavik Atlantic/St_Helena Etc/GMT Etc/GMT+0 Etc/GMT-0 Etc/GMT0 Etc/Greenwich GMT
  GMT+0 GMT-0 GMT0 Greenwich Iceland
EAT=10800 : Africa/Addis_Ababa Africa/Asmara Africa/Asmera Africa/Dar_es_Salaam Africa/Djibouti
  Africa/Kampala Africa/Mogadishu Africa/Nairobi Indian/Antananarivo Indian/Comoro
  Indian/Mayotte
WET=0 WEST=3600 / @246236400 CET=3600 CEST=7200 / @309740400 WET=0 WEST=3600 / @341802000 WET=0
  CET=3600 : Africa/Algiers
WAT=3600 : Africa/Bangui Africa/Brazzaville Africa/Douala Africa/Kinshasa Africa/Lagos
  Africa/Libreville Africa/Luanda Africa/Malabo Africa/Niamey Africa/Porto-Novo
-01=-3600 GMT=0 : Africa/Bissau
CAT=7200 : Africa/Blantyre Africa/Bujumbura Africa/Gaborone Africa/Harare Africa/Kigali
  Africa/Lubumbashi Africa/Lusaka Africa/Maputo
EET=7200 EEST=10800 : Africa/Cairo Asia/Beirut Asia/Nicosia EET Egypt Europe/Athens
  Europe/Bucharest Europe/Helsinki Europe/Mariehamn Europe/Nicosia Europe/Sofia
: Africa/Casablanca Africa/El_Aaiun America/Araguaina America/Argentina/Buenos_Aires
  America/Argentina/Catamarca America/Argentina/ComodRivadavia America/Argentina/Cordoba
  America/Argentina/Jujuy America/Argentina/La_Rioja America/Argentina/Mendoza
  America/Argentina/Rio_Gallegos America/Argentina/Salta America/Argentina/San_Juan
  America/Argentina/San_Luis America/Argentina/Tucuman America/Argentina/Ushuaia
  America/Asuncion America/Bahia America/Belem America/Boa_Vista America/Bogota
  America/Buenos_Aires America/Campo_Grande America/Caracas America/Catamarca America/Cayenne
  America/Cordoba America/Coyhaique America/Cuiaba America/Eirunepe America/Fortaleza
  America/Godthab America/Guayaquil America/Guyana America/Jujuy America/La_Paz America/Lima
  America/Maceio America/Manaus America/Mendoza America/Montevideo America/Noronha America/Nuuk
  America/Paramaribo America/Porto_Acre America/Porto_Velho America/Punta_Arenas America/Recife
  America/Rio_Branco America/Rosario America/Santarem America/Santiago America/Sao_Paulo
  America/Scoresbysund Antarctica/Casey Antarctica/Davis Antarctica/DumontDUrville
  Antarctica/Mawson Antarctica/Palmer Antarctica/Syowa Asia/Aden Asia/Almaty Asia/Anadyr
  Asia/Aqtau Asia/Aqtobe Asia/Ashgabat Asia/Ashkhabad Asia/Atyrau Asia/Baghdad Asia/Bahrain
  Asia/Baku Asia/Bangkok Asia/Barnaul Asia/Bishkek Asia/Brunei Asia/Chita Asia/Choibalsan
  Asia/Colombo Asia/Dacca Asia/Dhaka Asia/Dili Asia/Dubai Asia/Dushanbe Asia/Ho_Chi_Minh
  Asia/Hovd Asia/Irkutsk Asia/Kabul Asia/Kamchatka Asia/Kashgar Asia/Kathmandu Asia/Katmandu
  Asia/Khandyga Asia/Krasnoyarsk Asia/Kuala_Lumpur Asia/Kuching Asia/Kuwait Asia/Magadan
  Asia/Muscat Asia/Novokuznetsk Asia/Novosibirsk Asia/Omsk Asia/Oral Asia/Phnom_Penh Asia/Qatar
  Asia/Qostanay Asia/Qyzylorda Asia/Rangoon Asia/Riyadh Asia/Saigon Asia/Sakhalin Asia/Samarkand
  Asia/Singapore Asia/Srednekolymsk Asia/Tashkent Asia/Tbilisi Asia/Tehran Asia/Thimbu
  Asia/Thimphu Asia/Tomsk Asia/Ulaanbaatar Asia/Ulan_Bator Asia/Urumqi Asia/Ust-Nera
  Asia/Vientiane Asia/Vladivostok Asia/Yakutsk Asia/Yangon Asia/Yekaterinburg Asia/Yerevan
  Atlantic/Cape_Verde Atlantic/South_Georgia Atlantic/Stanley Australia/Eucla Brazil/Acre
  Brazil/DeNoronha Brazil/East Brazil/West Chile/Continental Chile/EasterIsland Etc/GMT+1
  Etc/GMT+10 Etc/GMT+11 Etc/GMT+12 Etc/GMT+2 Etc/GMT+3 Etc/GMT+4 Etc/GMT+5 Etc/GMT+6 Etc/GMT+7
  Etc/GMT+8 Etc/GMT+9 Etc/GMT-1 Etc/GMT-10 Etc/GMT-11 Etc/GMT-12 Etc/GMT-13 Etc/GMT-14 Etc/GMT-2
  Etc/GMT-3 Etc/GMT-4 Etc/GMT-5 Etc/GMT-6 Etc/GMT-7 Etc/GMT-8 Etc/GMT-9 Europe/Astrakhan
  Europe/Samara Europe/Saratov Europe/Ulyanovsk Indian/Chagos Indian/Christmas Indian/Cocos
  Indian/Kerguelen Indian/Mahe Indian/Maldives Indian/Mauritius Indian/Reunion Iran Kwajalein
  NZ-CHAT Pacific/Apia Pacific/Bougainville Pacific/Chatham Pacific/Chuuk Pacific/Easter
  Pacific/Efate Pacific/Enderbury Pacific/Fakaofo Pacific/Fiji Pacific/Funafuti
  Pacific/Galapagos Pacific/Gambier Pacific/Guadalcanal Pacific/Kanton Pacific/Kiritimati
  Pacific/Kosrae Pacific/Kwajalein Pacific/Majuro Pacific/Marquesas Pacific/Nauru Pacific/Niue
  Pacific/Norfolk Pacific/Noumea Pacific/Palau Pacific/Pitcairn Pacific/Pohnpei Pacific/Ponape
  Pacific/Port_Moresby Pacific/Rarotonga Pacific/Tahiti Pacific/Tarawa Pacific/Tongatapu
  Pacific/Truk Pacific/Wake Pacific/Wallis Pacific/Yap Singapore
WET=0 WEST=3600 / @271033200 WET=0 CET=3600 CEST=7200 : Africa/Ceuta
SAST=7200 : Africa/Johannesburg Africa/Maseru Africa/Mbabane
CAT=7200 CAST=10800 / @498171600 CAT=7200 EAT=10800 : Africa/Juba Africa/Khartoum
MMT=-2670 GMT=0 : Africa/Monrovia
WAT=3600 WAST=7200 : Africa/Ndjamena
GMT=0 WAT=3600 : Africa/Sao_Tome
EET=7200 / @378684000 CET=3600 CEST=7200 / @623196000 CET=3600 EET=7200 / @844034400 CET=3600
  CEST=7200 / @875916000 EET=7200 / @1352505600 CET=3600 CEST=7200 / @1382659200 EET=7200 :
  Africa/Tripoli Libya
CET=3600 CEST=7200 : Africa/Tunis Arctic/Longyearbyen Atlantic/Jan_Mayen CET Europe/Amsterdam
  Europe/Andorra Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Budapest
  Europe/Busingen Europe/Copenhagen Europe/Gibraltar Europe/Ljubljana Europe/Luxembourg
  Europe/Madrid Europe/Malta Europe/Monaco Europe/Oslo Europe/Paris Europe/Podgorica
  Europe/Prague Europe/Rome Europe/San_Marino Europe/Sarajevo Europe/Skopje Europe/Stockholm
  Europe/Tirane Europe/Vaduz Europe/Vatican Europe/Vienna Europe/Warsaw Europe/Zagreb
  Europe/Zurich MET Poland
SAST=7200 / @637970400 WAT=3600 CAT=7200 : Africa/Windhoek
BST=-39600 BDT=-36000 / @436363200 AHST=-36000 / @439034400 HST=-36000 HDT=-32400 : America/Adak
  America/Atka US/Aleutian
AHST=-36000 AHDT=-32400 / @436359600 YST=-32400 / @439030800 AKST=-32400 AKDT=-28800 :
  America/Anchorage US/Alaska
AST=-14400 : America/Anguilla America/Antigua America/Aruba America/Blanc-Sablon America/Curacao
  America/Dominica America/Grenada America/Guadeloupe America/Kralendijk America/Lower_Princes
  America/Marigot America/Montserrat America/Port_of_Spain America/Puerto_Rico
  America/St_Barthelemy America/St_Kitts America/St_Lucia America/St_Thomas America/St_Vincent
  America/Tortola America/Virgin
EST=-18000 : America/Atikokan America/Cayman America/Coral_Harbour America/Panama EST
MST=-25200 MDT=-21600 / @1256457600 MST=-25200 CST=-21600 CDT=-18000 : America/Bahia_Banderas
AST=-14400 ADT=-10800 : America/Barbados America/Glace_Bay America/Halifax America/Martinique
  America/Moncton America/Thule Atlantic/Bermuda Canada/Atlantic
CST=-21600 CDT=-18000 : America/Belize America/Chicago America/Costa_Rica America/El_Salvador
  America/Guatemala America/Matamoros America/Mexico_City America/Monterrey America/Rainy_River
  America/Tegucigalpa America/Winnipeg CST6CDT Canada/Central Mexico/General US/Central
MST=-25200 MDT=-21600 : America/Boise America/Denver America/Edmonton America/Hermosillo
  America/Mazatlan America/Shiprock America/Yellowknife Canada/Mountain MST7MDT Mexico/BajaSur
  Navajo US/Mountain
MST=-25200 MDT=-21600 / @941356800 CST=-21600 CDT=-18000 / @972802800 CST=-21600 EST=-18000 /
  @986115600 MST=-25200 MDT=-21600 : America/Cambridge_Bay
CST=-21600 EST=-18000 / @410504400 CST=-21600 CDT=-18000 / @877849200 EST=-18000 / @891759600
  CST=-21600 CDT=-18000 EDT=-14400 / @1414306800 CST=-21600 EST=-18000 : America/Cancun
CST=-21600 CDT=-18000 / @891766800 MST=-25200 MDT=-21600 / @1667116800 CST=-21600 :
  America/Chihuahua
CST=-21600 CDT=-18000 / @891766800 MST=-25200 MDT=-21600 / @1667116800 CST=-21600 / @1667721600
  MST=-25200 MDT=-21600 : America/Ciudad_Juarez
MST=-25200 : America/Creston America/Phoenix MST US/Arizona
-03=-10800 -02=-7200 GMT=0 : America/Danmarkshavn
YST=-32400 PST=-28800 PDT=-25200 / @1604214000 MST=-25200 : America/Dawson
PST=-28800 PDT=-25200 / @84013200 MST=-25200 : America/Dawson_Creek
EST=-18000 EDT=-14400 : America/Detroit America/Fort_Wayne America/Indiana/Indianapolis
  America/Indiana/Vevay America/Indianapolis America/Jamaica America/Montreal America/Nassau
  America/New_York America/Nipigon America/Port-au-Prince America/Thunder_Bay America/Toronto
  Canada/Eastern EST5EDT Jamaica US/East-Indiana US/Eastern US/Michigan
PST=-28800 PDT=-25200 : America/Ensenada America/Los_Angeles America/Santa_Isabel
  America/Tijuana America/Vancouver Canada/Pacific Mexico/BajaNorte PST8PDT US/Pacific
PST=-28800 PDT=-25200 / @1414918800 PST=-28800 MST=-25200 : America/Fort_Nelson
AST=-14400 ADT=-10800 ADDT=-7200 : America/Goose_Bay
EST=-18000 EDT=-14400 / @1414908000 EST=-18000 AST=-14400 / @1520751600 EST=-18000 EDT=-14400 :
  America/Grand_Turk
CST=-18000 CDT=-14400 : America/Havana Cuba
CST=-21600 CDT=-18000 / @688546800 EST=-18000 / @1143961200 CST=-21600 CDT=-18000 :
  America/Indiana/Knox America/Knox_IN US/Indiana-Starke
EST=-18000 EDT=-14400 / @126687600 CDT=-18000 / @152089200 EST=-18000 EDT=-14400 :
  America/Indiana/Marengo America/Kentucky/Louisville America/Louisville
CST=-21600 CDT=-18000 / @247042800 EST=-18000 / @1143961200 CST=-21600 CDT=-18000 / @1194156000
  EST=-18000 EDT=-14400 : America/Indiana/Petersburg
EST=-18000 EDT=-14400 / @1143961200 CST=-21600 CDT=-18000 : America/Indiana/Tell_City
EST=-18000 EDT=-14400 / @1143961200 CST=-21600 CDT=-18000 / @1194156000 EST=-18000 EDT=-14400 :
  America/Indiana/Vincennes
EST=-18000 EDT=-14400 / @1143961200 CDT=-18000 / @1162105200 CST=-21600 EST=-18000 EDT=-14400 :
  America/Indiana/Winamac
PST=-28800 PDT=-25200 / @278499600 PST=-28800 MST=-25200 MDT=-21600 : America/Inuvik
EST=-18000 EDT=-14400 / @923209200 CST=-21600 CDT=-18000 EDT=-14400 / @972802800 EST=-18000
  EDT=-14400 : America/Iqaluit America/Pangnirtung
PST=-28800 PDT=-25200 / @325677600 YDT=-28800 / @341402400 YST=-32400 PST=-28800 PDT=-25200 /
  @439030800 AKST=-32400 AKDT=-28800 : America/Juneau
CST=-21600 CDT=-18000 / @972802800 EST=-18000 EDT=-14400 : America/Kentucky/Monticello
CST=-21600 EST=-18000 / @161758800 CST=-21600 CDT=-18000 / @330584400 CST=-21600 EST=-18000 /
  @852094800 CST=-21600 CDT=-18000 : America/Managua
EST=-18000 / @104914800 CST=-21600 CDT=-18000 : America/Menominee
CST=-21600 EST=-18000 / @405068400 CST=-21600 CDT=-18000 : America/Merida
PST=-28800 PDT=-25200 / @1446372000 AKST=-32400 AKDT=-28800 / @1541325600 PST=-28800 /
  @1546300800 AKST=-32400 AKDT=-28800 : America/Metlakatla
AST=-14400 -03=-10800 -02=-7200 : America/Miquelon
BST=-39600 BDT=-36000 YST=-32400 / @439030800 AKST=-32400 AKDT=-28800 : America/Nome
MST=-25200 MDT=-21600 / @1289113200 CST=-21600 CDT=-18000 : America/North_Dakota/Beulah
MST=-25200 MDT=-21600 / @720000000 CST=-21600 CDT=-18000 : America/North_Dakota/Center
MST=-25200 MDT=-21600 / @1067155200 CST=-21600 CDT=-18000 : America/North_Dakota/New_Salem
CST=-21600 CDT=-18000 / @891766800 MST=-25200 MDT=-21600 / @1667116800 CST=-21600 CDT=-18000 :
  America/Ojinaga
CST=-21600 CDT=-18000 / @972802800 EST=-18000 / @986112000 CST=-21600 CDT=-18000 :
  America/Rankin_Inlet
CST=-21600 : America/Regina Canada/Saskatchewan
CST=-21600 CDT=-18000 / @972802800 EST=-18000 / @986112000 CST=-21600 CDT=-18000 / @1162105200
  EST=-18000 / @1173600000 CST=-21600 CDT=-18000 : America/Resolute
EST=-18000 -0430=-16200 AST=-14400 : America/Santo_Domingo
YST=-32400 PST=-28800 PDT=-25200 / @439030800 AKST=-32400 AKDT=-28800 : America/Sitka
NST=-12600 NDT=-9000 NDDT=-5400 : America/St_Johns Canada/Newfoundland
MST=-25200 CST=-21600 : America/Swift_Current
PST=-28800 PDT=-25200 / @1604214000 MST=-25200 : America/Whitehorse Canada/Yukon
YST=-32400 YDT=-28800 / @439030800 AKST=-32400 AKDT=-28800 : America/Yakutat
AEST=36000 AEDT=39600 : Antarctica/Macquarie Australia/ACT Australia/Brisbane Australia/Canberra
  Australia/Currie Australia/Hobart Australia/Lindeman Australia/Melbourne Australia/NSW
  Australia/Queensland Australia/Sydney Australia/Tasmania Australia/Victoria
NZST=43200 NZDT=46800 : Antarctica/McMurdo Antarctica/South_Pole NZ Pacific/Auckland
-03=-10800 -00=0 : Antarctica/Rothera
-00=0 / @1104537600 +00=0 +02=7200 : Antarctica/Troll
-00=0 +05=18000 +07=25200 : Antarctica/Vostok
EET=7200 EEST=10800 / @1666908000 +03=10800 : Asia/Amman
IST=19800 : Asia/Calcutta Asia/Kolkata
CST=28800 CDT=32400 : Asia/Chongqing Asia/Chungking Asia/Harbin Asia/Macao Asia/Macau
  Asia/Shanghai Asia/Taipei PRC ROC
EET=7200 EEST=10800 / @1666904400 +03=10800 : Asia/Damascus
EET=7200 EEST=10800 / @1473282000 +03=10800 / @1509238800 EET=7200 EEST=10800 : Asia/Famagusta
IST=7200 IDT=10800 / @820447200 EET=7200 EEST=10800 : Asia/Gaza Asia/Hebron
HKT=28800 HKST=32400 : Asia/Hong_Kong Hongkong
EET=7200 EEST=10800 / @267915600 +03=10800 +04=14400 / @468111600 EET=7200 EEST=10800 /
  @1473195600 +03=10800 : Asia/Istanbul Europe/Istanbul Turkey
WIB=25200 : Asia/Jakarta
WIT=32400 : Asia/Jayapura
IST=7200 IDT=10800 : Asia/Jerusalem Asia/Tel_Aviv Israel
+05=18000 / @38775600 PKT=18000 PKST=21600 : Asia/Karachi
WITA=28800 : Asia/Makassar Asia/Ujung_Pandang
PST=28800 PDT=32400 : Asia/Manila
WIB=25200 WITA=28800 : Asia/Pontianak
KST=30600 KST=32400 : Asia/Pyongyang
KST=32400 KDT=36000 : Asia/Seoul ROK
JST=32400 : Asia/Tokyo Japan
-01=-3600 +00=0 / @717555600 -01=-3600 WET=0 / @733280400 -01=-3600 +00=0 WEST=3600 :
  Atlantic/Azores
WET=0 WEST=3600 : Atlantic/Canary Atlantic/Faeroe Atlantic/Faroe Atlantic/Madeira
ACST=34200 ACDT=37800 : Australia/Adelaide Australia/Broken_Hill Australia/South
  Australia/Yancowinna
ACST=34200 : Australia/Darwin Australia/North
AEST=36000 +1030=37800 +11=39600 +1130=41400 : Australia/LHI Australia/Lord_Howe
AWST=28800 AWDT=32400 : Australia/Perth Australia/West
GMT=0 IST=3600 : Eire Europe/Dublin
UTC=0 : Etc/UCT Etc/UTC Etc/Universal Etc/Zulu UCT Universal Zulu
GMT=0 BST=3600 : Europe/Belfast Europe/Guernsey Europe/Isle_of_Man Europe/Jersey Europe/London
  GB GB-Eire
MSK=10800 MSD=14400 / @638319600 EET=7200 EEST=10800 MSD=14400 : Europe/Chisinau Europe/Kiev
  Europe/Kyiv Europe/Tiraspol Europe/Uzhgorod Europe/Zaporozhye
MSK=10800 MSD=14400 / @606870000 EET=7200 EEST=10800 / @1288483200 EET=7200 +03=10800 :
  Europe/Kaliningrad
+04=14400 +05=18000 / @606866400 MSK=10800 MSD=14400 / @654649200 MSK=10800 +04=14400 /
  @701820000 MSK=10800 MSD=14400 / @1288479600 MSK=10800 MSK=14400 : Europe/Kirov
CET=3600 / @212544000 WET=0 WEST=3600 / @717555600 CET=3600 CEST=7200 / @828234000 WET=0
  WEST=3600 : Europe/Lisbon Portugal WET
MSK=10800 MSD=14400 / @670374000 EET=7200 EEST=10800 / @1288483200 EET=7200 +03=10800 :
  Europe/Minsk
MSK=10800 MSD=14400 / @670374000 EEST=10800 / @686102400 EET=7200 MSK=10800 MSD=14400 /
  @1288479600 MSK=10800 MSK=14400 : Europe/Moscow W-SU
MSK=10800 MSD=14400 / @606870000 EET=7200 EEST=10800 : Europe/Riga Europe/Tallinn
MSK=10800 MSD=14400 / @646786800 EET=7200 EEST=10800 / @767739600 MSK=10800 MSD=14400 /
  @859683600 EET=7200 EEST=10800 / @1382835600 EET=7200 MSK=10800 MSK=14400 : Europe/Simferopol
MSK=10800 MSD=14400 / @606870000 EET=7200 EEST=10800 / @891133200 CET=3600 CEST=7200 /
  @941331600 EET=7200 EEST=10800 : Europe/Vilnius
+04=14400 +05=18000 / @575416800 MSK=10800 MSD=14400 / @654649200 MSK=10800 +04=14400 /
  @701820000 MSK=10800 MSD=14400 / @1288479600 MSK=10800 MSK=14400 / @1414274400 MSK=10800
  +04=14400 : Europe/Volgograd
HST=-36000 : HST Pacific/Honolulu Pacific/Johnston US/Hawaii
GST=36000 GDT=39600 / @977493600 ChST=36000 : Pacific/Guam Pacific/Saipan
SST=-39600 : Pacific/Midway Pacific/Pago_Pago Pacific/Samoa US/Samoa
`
