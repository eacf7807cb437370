/** The look of an HTML report, on screens of any width, light or dark, and on paper. */
export const EXPORT_STYLE = `
:root{--paper:#fbfaf8;--card:#fff;--ink:#1d2430;--soft:#5b6472;--line:#e3e1dc;--allow:#3f9272;--redact:#4a7fc1;--hold:#d79a2b;--deny:#c04f3d;--wait:#6d6fb0;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--paper:#14171c;--card:#1b1f26;--ink:#e6e8ec;--soft:#9aa3b0;--line:#2c323c;--allow:#57b08e;--redact:#6f9fdb;--hold:#e0b154;--deny:#dd7765;--wait:#9496d6}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
main{max-width:1080px;margin:0 auto;padding:28px 20px 48px}
h1{font-size:24px;line-height:1.25;margin:0 0 4px;font-weight:650;letter-spacing:-.01em}
h2{font-size:16px;margin:36px 0 10px;font-weight:650}
p{margin:0 0 8px}
.soft{color:var(--soft)}
.small{font-size:13px}
code,.mono{font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.tiles{display:grid;grid-template-columns:repeat(5,1fr);gap:10px;margin:20px 0 0;padding:0;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
.tiles b{display:block;font-size:22px;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums}
.tiles span{color:var(--soft);font-size:13px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px}
.plots{display:grid;grid-template-columns:3fr 2fr;gap:14px;align-items:stretch}
.plots h3,.card h3{font-size:14px;margin:0 0 8px;font-weight:600}
.plot{display:block;width:100%;height:150px}
.plot.low{margin-top:26px}
.grid{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.axis{display:flex;justify-content:space-between;gap:8px;color:var(--soft);font-size:12px;margin:4px 0;font-variant-numeric:tabular-nums}
.axis.even span{flex:1 1 0;min-width:0;text-align:center;line-height:1.3}
.axis.even b{display:block;color:var(--ink);font-weight:600}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;margin:8px 0 0}
.key{width:10px;height:10px;margin-right:6px;border-radius:2px}
.bar{display:block;width:100%;min-width:90px;height:10px;margin-top:6px}
.v-allow{fill:var(--allow)}.v-redact{fill:var(--redact)}.v-hold{fill:var(--hold)}.v-deny{fill:var(--deny)}.v-wait{fill:var(--wait)}
table{width:100%;border-collapse:collapse;font-size:14px}
th{text-align:left;font-weight:600;color:var(--soft);font-size:12.5px;padding:6px 10px;border-bottom:1px solid var(--line);vertical-align:bottom}
td{padding:8px 10px;border-bottom:1px solid var(--line);vertical-align:top;min-width:120px}
th{white-space:nowrap}
.card.rows{overflow-x:auto}
tbody tr:last-child td{border-bottom:0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;min-width:0;white-space:nowrap}
td div+div{margin-top:2px}
.once{white-space:nowrap}
.word{display:inline-block;font-size:12px;font-weight:600;padding:1px 7px;border-radius:99px;border:1px solid currentColor;white-space:nowrap}
.w-allow,.w-APPROVED{color:var(--allow)}.w-redact,.w-APPROVED_WITH_MODIFICATIONS{color:var(--redact)}.w-hold,.w-EXPIRED{color:var(--hold)}.w-deny,.w-REJECTED{color:var(--deny)}
.none{color:var(--soft);margin:8px 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:0}
dt{color:var(--soft)}dd{margin:0}
pre{margin:8px 0;white-space:pre-wrap;font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media (max-width:860px){
main{padding:20px 14px 36px}
.tiles{grid-template-columns:1fr 1fr}
.card.rows{overflow-x:visible}
.plots{grid-template-columns:1fr}
.axis.even{font-size:10.5px;gap:2px}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:6px}
.card.rows{padding:4px 14px}
.rows table,.rows tbody{display:block;width:100%}
.rows thead{display:none}
.rows tr{display:grid;grid-template-columns:1fr 1fr;gap:2px 16px;padding:10px 0;border-bottom:1px solid var(--line)}
.rows tr:last-child{border-bottom:0}
.rows td{display:grid;grid-template-columns:84px minmax(0,1fr);gap:8px;border:0;padding:2px 0;min-width:0;grid-column:1/-1}
.rows td.n{grid-column:auto;text-align:left}
.rows td::before{content:attr(data-label);color:var(--soft);font-size:12.5px}
}
@media print{
:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb}
body{font-size:11px}main{max-width:none;padding:0}h2{break-after:avoid}tr,.card.plotted{break-inside:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
`
