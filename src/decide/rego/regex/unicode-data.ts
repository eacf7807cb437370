// Unicode 15.0.0, the version of OPA 1.22 (Go 1.26): the tables of Go's package `unicode`, packed. Generated; do not edit.

/** General categories, by the letter that stands for each in {@link CATEGORY_RUNS}. */
export const CATEGORY_LETTERS: Readonly<Record<string, string>> = {
  A: 'Cn',
  B: 'Lu',
  C: 'Ll',
  D: 'Lt',
  E: 'Lm',
  F: 'Lo',
  G: 'Mn',
  H: 'Me',
  I: 'Mc',
  J: 'Nd',
  K: 'Nl',
  L: 'No',
  M: 'Zs',
  N: 'Zl',
  O: 'Zp',
  P: 'Cc',
  Q: 'Cf',
  R: 'Co',
  S: 'Cs',
  T: 'Pd',
  U: 'Ps',
  V: 'Pe',
  W: 'Pc',
  X: 'Po',
  Y: 'Pi',
  Z: 'Pf',
  '*': 'Sm',
  '+': 'Sc',
  '-': 'Sk',
  '/': 'So',
}

/** Runs of code points of one category, from 0 on: its letter, and how many in base 36 where it is more than one. */
export const CATEGORY_RUNS =
  'PwMX3+X3UVX*XTX2JaX2*3X2BqUXV-W-CqU*V*PxMX+4/X-/FY*Q/-/*L2-CX2-LFZL3XBn*B7Co*C8BCBCBCBCBCBCBCBCBCBCB' +
  'CBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBC2BCBCBCBCBCBCBCBC2BCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCB' +
  '2CBCBC3B2CBCB2CB3C2B4CB2CB3C3B2CB2CBCBCB2CBC2BCB2CB3CBCB2C2FBC3F4BDCBDCBDCBCBCBCBCBCBCBCBC2BCBCBCBCB' +
  'CBCBCBCBC2BDCBCB3CBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBC7B2CB2C2BCB4CBCBCBCBC1xF' +
  'CrEi-4Ec-eE5-7E-E-hG34BCBCE-BCA2EC3XBA4-2BXB3ABAB2CBhAB9CzBC2B3C3BCBCBCBCBCBCBCBCBCBCBCBC5BC*BCB2C2B' +
  '1fC1cBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBC/G5H2BCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCB2' +
  'CBCBCBCBCBCBC2BCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBC' +
  'BCBCBCBCBCAB12A2EX6C15XTA2/2+AG19TGXG2XG2XGA8FrA4F4X2AbQ6*3X2+X2/2GbXQX3FwEFaGlJaX4F2GF2rXFG7Q/G6E2G' +
  '2/G4F2JaF3/2FXeAQFGFuGrA2F2hGbFAeJaFxG9E2/X3EA2G+2FmG4EG9EG3EG5A2XfAFpG3A2XAFbA5Fo-F6AQ2A6G8F15EGoQG' +
  'wIF1iGIGFI3G8I4GI2FG7FaG2X2JaXEFfGI2AF8A2F2A2FmAF7AFA3F4A2GFI3G4A2I2A2I2GFA8IA4F2AF3G2A2JaF2+2L6/+FX' +
  'GA2G2IAF6A4F2A2FmAF7AF2AF2AF2A2GAI3G2A4G2A2G3A3GA7F4AFA7JaG2F3GXAaG2IAF9AF3AFmAF7AF2AF5A2GFI3G5AG2IA' +
  'I2GA2FAfF2G2A2JaX+A7FG6AGI2AF8A2F2A2FmAF7AF2AF5A2GFIGIG4A2I2A2I2GA7G2IA4F2AF3G2A2Ja/FL6AaGFAF6A3F3AF' +
  '4A3F2AFAF2A3F2A3F3A3FcA4I2GI2A3I3AI3GA2FA6IAeJaL3/6+/A5GI3GF8AF3AFnAFgA2GFG3I4AG3AG4A7G2AF3A2FA2F2G2' +
  'A2JaA7XL7/FGI2XF8AF3AFnAFaAF5A2GFIGI5AGI2AI2G2A7I2A6F2AF2G2A2JaAF2IAcG2I2F9AF3AF15G2FI3G4AI3AI3GF/A4' +
  'F3IL7F3G2A2JaL9/F6AGI2AFiA3FoAF9AFA2F7A3GA4I3G3AGAI8A6JaA2I2XAcF1cGF2G7A4+F6EG8XJaX2A11F2AFAF5AFoAFA' +
  'FaGF2G9FA2F5AEAG7AJaA2F4AwF/3Xf/X/3G2/6JaLa/G/G/GUVUVI2F8AF10A4GeIG5XG2F5GbAG10A/8G/6A/2X5/4X2A11F17' +
  'I2G4IG6IG2I2G2FJaX6F6I2G2F4G3FI3F2I7F3G4FdGI2G2I6GFIJaI3G/2B12ABA5BA2C17XEC3F95AF4A2F7AFAF4A2F15AF4A' +
  '2FxAF4A2F7AFAF4A2FfAF1lAF4A2F1vA2G3X9LkA3Fg/aA6B2eA2C6A2TFh8/XFhMFqUVA3F23X3K3F8A7FiG3IA9FjG2IX2A9Fi' +
  'G2AcFdAF3AG2AcF1gG2IG7I8GI2GbX3EX3+FGA2JaA6LaA6X6TX4G3QGJaA6FzEF1hA7F5G2FyGFA5F1yAaFvAG3I4G2I3A4I2GI' +
  '6G3A4/A3X2JaFuA2F5AbF18A4FqA6JaLA3/yFnG2I2GA2X2F1hIGIG7AGIGI2G8I6GaA2GJaA6JaA6X7EX6A2GeHGgA1dG4IF1bG' +
  'IG5IGI5GI2F8A3JaX7/aG9/9X2AG2IFuIG4I2G2IG3F2JaF18GIG2I3GIG3I2A8X4F10I8G8I2G2A3X5JaA3F3JaFuE6X2C9A7B1' +
  '7A2B3X8A8G3XGdIG7F4GF6GF2IG2FA5C18E1rCdECyE11G1sBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBC' +
  'BCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBC9B' +
  'CBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBC9B8' +
  'C6A2B6A2C8B8C8B8C6A2B6A2C8ABABABABC8B8CeA2C8D8C8D8C8D8C5AC2B4D-C-3C3AC2B4D-3C4A2C2B4A-3C8B5-3A2C3AC2' +
  'B4D-2AMbQ5T6X2YZUY2ZUYX8NOQ5MX9YZX4W2X3*UVXb*XWXaMQ5AQaLEA2L6*3UVELa*3UVAEdA3+xAfGdH4GH3GcAf/2B/4B/2' +
  'CB3C2B3C/B/2*B5/6B/B/B/B4/CB4CF4C/2C2B2*5BC4/*/2C/LgKzBCK4L/2A4*5/5*2/4*/2*/2*/7*/v*2/2*/*/v*7g/8UVU' +
  'V/k*2/7UV/29*/u*p/14*6/1xAp/bAlL1o/26Lm/53*/9*/1i*8/33*/6wUVUVUVUVUVUVUVLu/18*5UV*vUVUVUVUVUV*g/74*3' +
  'nUVUVUVUVUVUVUVUVUVUVUV*1rUVUV*wUV*76/1c*l/2*6/13A2/wA/2xB1cC1cBCB3C2BCBCBCB4CBC2BC6E2B3CBCBCBCBCBCB' +
  'CBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBC2/6BCBCG3BCA5' +
  'X4LX2C12ACA5CA2F1kA7EXAeGFnA9F7AF7AF7AF7AF7AF7AF7AF7AGwX2YZYZX3YZXYZX9TX2TXYZX2YZUVUVUVUVX5EXaT2X4TX' +
  'UXd/2X3UVUVUVUVTAy/qA/2hAc/5yAq/cA4MX3/EFKUVUVUVUVUV/2UVUVUVUVTUV2/K9G4I2TE5/2K3EFX/2AF2eA2G2-2E2FTF' +
  '2iXE3FA5F17AF2mA/2L4/aFw/10AcFg/vALa/uL8/Lf/wLa/13Lf/8wF534/1sFg7pEFvrA3/1jA9F14E6X2F7gEX3FgJaF2AkBC' +
  'BCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCFGH3XGaXEBCBCBCBCBCBCBCBCBCBCBCBCBCBCE2G2F1yKaG2X6A8-nE9' +
  '-2BCBCBCBCBCBCBC3BCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCBCEC8BCBCB2CBCBCBCBCE-2' +
  'BCBCFBCBC3BCBCBCBCBCBCBCBCBCBCB5CB5CBCBCBCBCBCBCBCB4CBCA5BCACACBCBCAoE3BCFE2CF7GF3GF4GFnI2G2I/4GA3L6' +
  '/2+/A6F1gX4A8I2F1eIgG2A8X2JaA6GiF6X3FXF2GJaFsG8X2FnGbI2AbXFtA3G3IF1bGI2G4I2G2I3XdAEJaA4X2F5GEF9JaF5A' +
  'F15G6I2G2I2G2A9F3GF8GIA2JaA2X4FgEF6/3FIGIF1eGFG3F2G2F5G2FGFAoF2EX2FbIG2I2X2FE2IGAaF6A2F6A2F6A9F7AF7A' +
  'C17-E4C9E-2A4C28FzI2GI2GI2XIGA2JaA6F8mcAcFnA4F1dA4S1kwR4xsFa6A2F2yA12C7AcC5A5FGFa*FdAF5AFAF2AF2AF30-' +
  'hAgFa3VU/gF1sA2F1iA7/AwFc+/3GgX7UVXA6GgXT2W2UVUVUVUVUVUVUVUVX2UVX4W3X3AX4TUVUVUVX3*T*3AX+X2A4F5AF3rA' +
  '2QAX3+X3UVX*XTX2JaX2*3X2BqUXV-W-CqU*V*UVXUVX2FaEF19E2FvA3F6A2F6A2F6A2F3A3+2*-/+2A/*4/2AaQ3/2A2FcAFqA' +
  'FjAF2AFfA2FeAyF3fA5X3A4L19A3/9K1hL4/hL2/3A/dA3/A1b/19GA3mFtA3F1dAfGLrA4FwL4A9FkKF8KA5F12G5A5FuAXF10A' +
  '4F8XK5A16B14C14F26A2JaA6B10A4C10A4F14A8F1gAbXBbABfAB7AB2ACbACfAC7AC2A1vF8nA9FmAaF8AoE6AE16AE9A1xF6A2' +
  'FAF18AF2A3FA2FnAXL8Fn/2L7FvA8L9A1cFjAF2A5L5FmL6A3XFqA5XA1sF1kA4L2F2LgA2L1aFG3AG2A5G4F4AF3AFtA2G3A4GL' +
  '9A7X9A7FtL2XFtL3AwF8/FsG2A4L5X7A9F1iA3X7FmA2L8FjA5L8FiA7X4AcL7A28F21A1jB1fAdC1fA7L6F10G4A8JaA86LvAF1' +
  '6AG2TA2F2A23G3FtLaFA8FmGbL4X5AmFiG4X4A12FlL7AkFnA9IGIF1hGfX7A4LkJaGF2G2FA9G3IF19I3G4I2G2X2QX4GAaQA2F' +
  'pA7JaA6G3F10G5IG8AJaX4FI2FA8FzGX2FA9G2IF1cI3G9I2F4X4G4XIGJaFXFX3ALkAbFiAFpI3G3I2GIG2X6GF2GA1qF7AFAF4' +
  'AFfAFaXA6F1bGI3G8A5JaA6G2I2AF8A2F2A2FmAF7AF2AF5AG2FI2GI4A2I2A2I3A2FA6IA5F5I2A2G7A3G5A3vF1hI3G8I2G3IG' +
  'F4X5JaX2AXGF3AuF1cI3G6IGI4G2IG2F2XFA8JaA4mF1bI3G4A2I4G2IG2XnF4G2AyF1cI3G8I2GIG2X3FAbJaA6XdAjF17GIGI2' +
  'G6IGFXA6JaA1iFrA2G3I2G4IG5A4JaL2X3/F7A55F18I3G9IG2XA2sBwCwJaL9AcF8A2FA2F8AF2AFoI6AI2A2G2IGFIFIGX3A9J' +
  'aA1yF8A2F13I3G4A2G2I4GFXFIArFGaF14G6IFG4X8GA8FG6I2G3F1aGdIG2X3FX5AdF21A7XaA6uF9AF11IG7AG6IGFX5AaJaLj' +
  'A3X2FuA2GmAIG7IG2IG2A21F7AF2AF12G6A3GAG2AG7FGA8JaA6F6AF2AFwI5AG2AI2GIGFA7JaA8mFjG2I2X2A7G2FIFdAFyI2G' +
  '5A3I2GIGXdJaA2eFAfLl/8+4/hAdXFpmA2uK33AX5AbF5gA218F2pX2AdFtsQgGF6GfA33eFg7A6ntFftA7FvAJaA4X2F27AJaA6' +
  'FuA2G5XAaF1cG7X5/4E4X/AaJaAL7AFlA5FjAj4BwCwLnX4A2tF23A4GFI1jA7G4EdA1sE2XEGAbI2AeF4qgA8FyeA16F9A6w7E4' +
  'AE7AE2AF83AfFAtF3A2FAeF4A8Fb0A1s4F2zA5FdA3F9A7FaA2/G2XQ4A3mkG1aA2GnA9/38A1o/6uAa/13A2/1oI2G3/3I6Q8G8' +
  '/2G7/uG4/1pAl/1uG3/A3eLkAcLkAc/2fA9LpA3rBqCqBqC7ACiBqCqBAB2A2BA2B2A2B4AB8C4ACAC7ACbBqCqB2AB4A2B8AB7A' +
  'CqB2AB4AB5ABA3B7ACqBqCqBqCqBqCqBqCqBqCqBqCsA2Bp*Cp*C6Bp*Cp*C6Bp*Cp*C6Bp*Cp*C6Bp*Cp*C6BCA2J1e/e8G1j/4' +
  'G1e/8G/eG/2X5AfG5AGfAuoCaFCkA6C6A5xG7AGhA2G7AG2AG5A5E1qAxGA34F19A3G7E7A2JaA4F/A8wFuGAhF18G4JaA5+AcwF' +
  'rEG4JaAkmF7AF4AF2AFfAF5hA2L9G7A15ByCyG7EA4JaA4X2AltL1n/L3+L4A24L19/LfA5eF4AFrAF2AFA2FAFaAF4AFAFA6FA4' +
  'FAFAFAF3AF2AFA2FAFAFAFAFAF2AFA2F4AF7AF4AF4AFAFaAFhA5F3AF5AFhA1g*2A7i/18A4/2sAc/fA2/fA/fA/11AaLd/4hA1' +
  'k/tAd/18A4/9A7/2Ae/6A4a/6z-5/k8A4/hA3/dA3/3bA4/2nA6/cA4/Af/cA4/1kA8/aA6/14A8/uA2/2A26/9gAc/eA2/dA3/9' +
  'A7/1aA/7A8/eA4/9A7/9A7/43A/1jA11JaAsmFwyoAwF37eA6F66A2F4g2AeF5rlA2e7Ff2A15uF3t7A5F38gAf975QAuQ2oA3kG' +
  '6oA1e6oR1ekeA2R1ekeA2'

/** Scripts whose name is one word: runs of code points as `gap,length` in base 36. */
export const SCRIPT_RUNS: Readonly<Record<string, string>> = {
  Adlam: '2olc,24;4,a;4,2',
  Ahom: '1j40,r;2,f;4,n',
  Arabic:
    '16o,5;1,6;1,e;1,3;1,w;1,a;b,q;1,30;1,y;28,1c;6o,v;1,2;6,22;1,t;1bv4,37;g,a3;2,28;2,1i;7,1;w,g;34,5;1' +
    ',3r;31f,v;3i,3;181s,4;1,r;1,2;1,1;2,1;1,a;1,4;1,1;1,1;6,1;4,1;1,1;1,1;1,3;1,2;1,1;2,1;1,1;1,1;1,1;1,' +
    '1;1,2;1,1;2,4;1,7;1,4;1,4;1,1;1,a;1,h;5,3;1,5;1,h;1g,2',
  Armenian: '10x,12;2,1e;2,3;1chv,5',
  Avestan: '1gqo,1i;3,7',
  Balinese: '5c0,25;3,1b',
  Bamum: 'www,2g;124o,ft',
  Batak: '5hc,1g;8,4',
  Bengali: '1vk,4;1,8;2,2;2,m;1,7;1,1;3,4;2,9;2,2;2,4;8,1;4,2;1,5;2,p',
  Bhaiksuki: '1k3k,9;1,19;1,e;a,t',
  Bopomofo: 'kq,2;93t,17;34,w',
  Brahmi: '1hq8,26;4,10;9,1',
  Braille: '7wg,74',
  Buginese: '54w,s;2,2',
  Buhid: '4lc,k',
  Carian: '1f34,1d',
  Chakma: '1hxc,1h;1,i',
  Cham: 'xkw,1j;9,e;2,a;2,4',
  Cherokee: '3vk,2e;2,6;twy,28',
  Chorasmian: '1ho0,s',
  Common:
    '0,1t;q,6;q,1b;1,f;1,5;n,1;v,1;ch,13;5,5;2,k;38,1;9,1;6,1;1,1;hp,1;6,1;e,1;3,1;w,1;4c,1;ec,1;3l,2;yh,' +
    '1;b9,4;82,1;167,3;1z,2;5n,2;1,1;y5,1;d,1;7,4;1,6;1,3;2,1;lh,c;2,2f;1,b;3,b;1,f;h,x;1r,12;1,3;2,6;1,r' +
    ';1,h;15,3;4,if;p,b;l,ps;74,hg;2,w;1,2x;e8,2m;b6,c;4,5;1,1;1,p;f,8;4,4;2j,2;3,1;2i,2;43,g;w,10;1o,1s;' +
    'v,29;1b,1;2g,4o;534,1s;hkw,y;2u,3;4l,a;6s,1;4g,1;az,1;e,2;g5u,2;5s,a;m,z;1,j;1,4;43,1;1,w;q,6;q,b;a,' +
    '1;19,2;1s,7;1,7;a,5;76,3;4,19;3,9;28,d;1f,19;6c,r;10o4,4;3os,38;1o,6u;a,13;2,1q;3,h;8,2;7,u;4,1p;5x,' +
    'k;c,k;c,2f;9,p;3r,2d;1,1z;1,2;2,1;2,2;2,4;1,c;1,1;1,7;1,1t;1,4;2,8;1,7;1,s;1,4;1,5;1,1;3,7;1,9g;2,84' +
    ';2,1e;41d,1w;24,1p;jm,18;4,2s;c,f;2,f;1,f;1,11;a,4u;1k,q;1,2;d,18;4,9;7,2;e,6;4a,rc;4,h;3,d;3,3b;4,2' +
    'n;6,c;4,1;f,c;4,1k;8,a;6,14;8,u;2,2;26,9g;c,e;2,d;3,9;7,1a;1,7;8,e;4,9;7,9;7,43;1,1j;11,a;gvlz,1;u,2' +
    'o',
  Coptic: 'rm,e;80g,38;5,7',
  Cuneiform: '1kw0,pm;2u,33;1,5;b,5g',
  Cypriot: '1g5c,6;2,1;1,18;1,2;3,1;2,1',
  Cyrillic: 'sg,3p;2,4p;4ls,9;4i,1;24,1;38n,w;nr4,2o;ham,2;18n4,1q;x,1',
  Deseret: '1fcw,28',
  Devanagari: '1s0,29;4,f;2,q;vhc,w;mio,a',
  Dogra: '1jb4,1o',
  Duployan: '2fpc,2z;5,d;3,9;7,a;2,4',
  Elbasan: '1fk0,14',
  Elymaic: '1hpc,n',
  Ethiopic:
    '3k0,21;1,4;2,7;1,1;1,4;2,15;1,4;2,x;1,4;2,7;1,1;1,4;2,f;1,1l;1,4;2,1v;2,w;3,q;546,n;9,7;1,7;1,7;1,7;' +
    '1,7;1,7;1,7;1,7;opu,6;2,6;2,6;9,7;1,7;1qk1,7;1,4;1,2;1,f',
  Georgian: '3a8,12;1,1;5,1;2,17;1,4;2a8,17;2,3;37k,12;1,1;5,1',
  Glagolitic: '8ow,2o;2e1s,7;1,h;2,7;1,2;1,5',
  Gothic: '1f74,r',
  Grantha: '1ibk,4;1,8;2,2;2,m;1,7;1,2;1,5;2,9;2,2;2,3;2,1;6,1;5,7;2,7;3,5',
  Greek:
    'og,4;1,3;2,4;1,1;4,1;1,1;1,3;1,1;1,k;1,1r;e,g;4yu,5;1e,5;4,5;2c,1;8w,m;2,6;2,12;2,6;2,8;1,1;1,1;1,1;' +
    '1,v;2,1h;1,f;1,e;2,6;1,j;2,3;1,9;87,1;rb2,1;gyi,27;h,1;155r,1y',
  Gujarati: '22p,3;1,9;1,3;1,m;1,7;1,2;1,5;2,a;1,3;1,3;2,1;f,4;2,c;7,7',
  Gurmukhi: '1z5,3;1,6;4,2;2,m;1,7;1,2;1,2;1,2;2,1;1,5;4,2;2,3;3,1;7,4;1,1;7,h',
  Han:
    '96o,q;1,2h;c,5y;1b,1;1,1;p,9;e,4;qs,534;1s,g74;hkw,a6;2,2y;n48,2;c,2;sge,wyo;w,37e;6,66;2,4g2;e,5rl;' +
    '2e7,f2;15u,3t7;5,38g',
  Hangul: '3cw,74;5ym,2;75,2m;35,v;1t,v;nhd,t;hv,8mc;c,n;4,1d;7tw,v;3,6;2,6;2,6;2,3',
  Hanunoo: '4kg,l',
  Hatran: '1gbk,j;1,2;5,5',
  Hebrew: '13l,1j;8,r;4,6;1cfc,q;1,5;1,1;1,2;1,2;1,a',
  Hiragana: '9j5,2e;6,3;23q9,7z;i,1;t,3;crx,1',
  Inherited:
    'lc,34;7p,2;ck,b;q,1;kg,4;3ff,v;e9,3;1,d;1,7;4,1;6,1;3,2;5i,1s;ek,2;5e,x;309,4;2z,2;14kl,g;g,e;r3,1;6' +
    'a,1;38a,1;1138,1a;2,n;f4,3;h,8;2,7;u,4;h45u,6o',
  Javanese: 'xhc,26;2,a;4,2',
  Kaithi: '1hts,1v;a,1',
  Kannada: '2gw,d;1,3;1,n;1,a;1,5;2,9;1,3;1,4;7,2;6,2;1,4;2,a;1,3',
  Katakana: '9lt,2i;2,3;6o,g;5s,1b;1,2g;14b2,a;1,19;ytu,4;1,7;1,2;1,1;7z,3;1e,1;e,4',
  Kawi: '1kow,h;1,15;3,s',
  Kharoshthi: '1gjk,4;1,2;5,8;1,3;1,t;2,3;4,a;7,9',
  Khmer: '4n4,2m;2,a;6,a;di,w',
  Khojki: '1i4g,i;1,1b',
  Khudawadi: '1i9c,1n;5,a',
  Lao: '2v5,2;1,1;1,5;1,o;1,1;1,n;2,5;1,1;1,7;1,a;2,4',
  Latin:
    '1t,q;6,q;1b,1;f,1;5,n;1,v;1,ch;13,5;55n,12;6,1d;5,4;5,d;1,1y;1t,74;a9,1;d,1;g,d;3x,2;6,1;r,1;h,15;25' +
    '3,w;o82,2u;3,1s;5,2;1,1;1,5;o,e;mo,17;1,9;1,4;fpy,7;t6,q;6,q;1lx,6;1,16;1,9;16it,v;6,6',
  Lepcha: '5j4,1k;3,f;3,3',
  Limbu: '4xs,v;1,c;4,c;4,1;3,c',
  Lisu: 'wk0,1c;o8g,1',
  Lycian: '1f28,t',
  Lydian: '1gdc,q;5,1',
  Mahajani: '1hzk,13',
  Makasar: '1ko0,p',
  Malayalam: '2kg,d;1,3;1,1f;1,3;1,6;4,g;2,q',
  Mandaic: '1mo,s;2,1',
  Manichaean: '1gow,13;4,c',
  Marchen: '1k6o,w;2,m;1,e',
  Medefaidrin: '20cg,2j',
  Miao: '20hs,23;4,1l;7,h',
  Modi: '1iww,1x;b,a',
  Mongolian: '4qo,2;2,1;1,k;6,2h;7,17;1e45,d',
  Mro: '1zk0,v;1,a;4,2',
  Multani: '1i80,7;1,1;1,4;1,f;1,b',
  Myanmar: '35s,4g;u9s,v;2p,w',
  Nabataean: '1g8w,v;8,9',
  Nandinagari: '1jmo,8;2,1a;2,b',
  Newa: '1iio,2k;1,5',
  Nko: '1j4,1n;2,3',
  Nushu: '20o1,1;cy6,b0',
  Ogham: '4g0,t',
  Oriya: '269,3;1,8;2,2;2,m;1,7;1,2;1,5;2,9;2,2;2,3;7,3;4,2;1,5;2,i',
  Osage: '1fhs,10;4,10',
  Osmanya: '1fgg,u;2,a',
  Palmyrene: '1g80,w',
  Phoenician: '1gcg,s;3,1',
  Rejang: 'xf4,10;b,1',
  Runic: '4gw,23;3,b',
  Samaritan: '1kw,1a;2,f',
  Saurashtra: 'xa8,1y;8,c',
  Sharada: '1i0w,2o',
  Shavian: '1ff4,1c',
  Siddham: '1itc,1i;2,12',
  Sinhala: '2o1,3;1,i;3,o;1,9;1,1;2,7;3,1;4,6;1,1;1,8;6,a;2,3;1fcc,k',
  Sogdian: '1hkg,16',
  Soyombo: '1jrk,2b',
  Sundanese: '5fk,1s;74,8',
  Syriac: '1ds,e;1,1o;2,3;7k,b',
  Tagalog: '4jk,m;9,1',
  Tagbanwa: '4m8,d;1,3;1,2',
  Takri: '1j0g,1m;6,a',
  Tamil: '29u,2;1,6;3,3;1,4;3,2;1,1;1,2;3,2;3,3;3,c;4,5;3,3;1,4;2,1;6,1;e,l;1ih1,1e;d,1',
  Tangsa: '1zlc,27;1,a',
  Tangut: '20o0,1;v,4qg;8,lc;e8,9',
  Telugu: '2dc,d;1,3;1,n;1,g;2,9;1,3;1,4;7,2;1,3;2,1;2,4;2,a;7,9',
  Thaana: '1hc,1e',
  Thai: '2rl,1m;5,s',
  Tibetan: '2yo,20;1,10;4,13;1,10;1,f;1,7;4,2',
  Tifinagh: '8xc,1k;7,2;e,1',
  Tirhuta: '1im8,20;8,a',
  Toto: '2nbk,v',
  Ugaritic: '1f9c,u;1,1',
  Vai: 'wlc,8c',
  Vithkuqi: '1fn4,b;1,f;1,7;1,2;1,b;1,f;1,7;1,2',
  Wancho: '2ncw,1m;5,1',
  Yezidi: '1hfk,16;1,3;2,2',
  Yi: 'vls,wd;3,1j',
}

/** Code points with another lower case: `gap,count,difference` in base 36; `*` before a count takes every second. */
export const LOWER_RUNS =
  '1t,q,w;3j,n,w;o,7,w;14,*o,1;1c,1,-5j;2,*3,1;7,*8,1;h,*n,1;1a,1,-3d;1,*3,1;8,1,5u;1,*2,1;4,1,5q;1,1,1' +
  ';2,2,5p;2,1,1;3,1,27;1,1,5m;1,1,5n;1,1,1;2,1,5p;1,1,5r;2,1,5v;1,1,5t;1,1,1;4,1,5v;1,1,5x;2,1,5y;1,*3' +
  ',1;6,1,62;1,1,1;2,1,62;3,1,1;2,1,62;1,1,1;2,2,61;2,*2,1;4,1,63;1,1,1;4,1,1;8,1,2;1,1,1;2,1,2;1,1,1;2' +
  ',1,2;1,*9,1;j,*9,1;j,1,2;1,*2,1;4,1,-2p;1,1,-1k;1,*k,1;14,1,-3m;2,*9,1;o,1,8bv;1,1,1;2,1,-4j;1,1,8bs' +
  ';3,1,1;2,1,-5f;1,1,1x;1,1,1z;1,*5,1;8a,*2,1;6,1,1;9,1,38;7,1,12;2,3,11;4,1,1s;2,2,1r;3,h,w;i,9,w;18,' +
  '1,8;9,*c,1;s,1,-1o;3,1,1;2,1,-7;1,1,1;3,3,-3m;3,g,28;g,w,w;28,*h,1;16,*r,1;1i,1,f;1,*7,1;f,*1c,1;2p,' +
  '12,1c;29b,12,5ls;13,1,5ls;6,1,5ls;k3,28,tzk;28,6,8;1pc,17,-2bk;19,3,-2bk;8z,*23,1;4e,1,-5vj;2,*1c,1;' +
  '2w,8,-8;g,6,-8;g,8,-8;g,8,-8;g,6,-8;h,*4,-8;f,8,-8;w,8,-8;g,8,-8;g,8,-8;g,2,-8;2,2,-22;2,1,-9;c,4,-2' +
  'e;4,1,-9;c,2,-8;2,2,-2s;e,2,-8;2,2,-34;2,1,-7;c,2,-3k;2,2,-3i;2,1,-9;8a,1,-5st;4,1,-6gv;1,1,-6di;7,1' +
  ',s;1a,g,g;z,1,1;mr,q,q;1fu,1c,1c;2o,1,1;2,1,-8af;1,1,-2xy;1,1,-89z;3,*3,1;6,1,-8bg;1,1,-8al;1,1,-8bj' +
  ';1,1,-8bi;2,1,1;3,1,1;9,2,-8cf;2,*1e,1;2z,*2,1;7,1,1;nym,*n,1;1s,*e,1;4i,*7,1;g,*v,1;1z,*2,1;4,1,-r9' +
  'g;1,*5,1;d,1,1;2,1,-wmg;3,*2,1;6,*a,1;k,1,-wn8;1,1,-wnj;1,1,-wnf;1,1,-wn5;1,1,-wn8;2,1,-wlu;1,1,-wmi' +
  ';1,1,-wlx;1,1,ps;1,*8,1;g,1,-1c;1,1,-wn7;1,1,-raw;1,*2,1;9,1,1;6,*2,1;v,1,1;h7w,q,w;yn,14,14;4w,10,1' +
  '4;5c,b,13;c,f,13;g,7,13;8,2,13;1d8,1f,1s;2e8,w,w;gww,w,w;o8w,y,y'

/** Code points with another upper case, written as in {@link LOWER_RUNS}. */
export const UPPER_RUNS =
  '2p,q,-w;2c,1,kn;17,n,-w;o,7,-w;7,1,3d;2,*o,-1;1c,1,-6g;2,*3,-1;7,*8,-1;h,*n,-1;1b,*3,-1;5,1,-8c;1,1,' +
  '5f;3,*2,-1;5,1,-1;4,1,-1;6,1,-1;3,1,2p;4,1,-1;1,1,4j;4,1,3m;3,*3,-1;7,1,-1;5,1,-1;3,1,-1;4,*2,-1;5,1' +
  ',-1;4,1,-1;2,1,1k;6,1,-1;1,1,-2;2,1,-1;1,1,-2;2,1,-1;1,1,-2;2,*8,-1;f,1,-27;2,*9,-1;j,1,-1;1,1,-2;2,' +
  '1,-1;4,*k,-1;16,*9,-1;p,1,-1;3,2,8cf;3,1,-1;5,*5,-1;9,1,8bj;1,1,8bg;1,1,8bi;1,1,-5u;1,1,-5q;2,2,-5p;' +
  '3,1,-5m;2,1,-5n;1,1,wnj;4,1,-5p;1,1,wnf;2,1,-5r;2,1,wmg;1,1,wn8;2,1,-5t;1,1,-5v;1,1,wn8;1,1,8af;1,1,' +
  'wn5;3,1,-5v;2,1,8al;1,1,-5x;3,1,-5y;8,1,89z;3,1,-62;2,1,wn7;1,1,-62;4,1,wmi;1,1,-62;1,1,-1x;1,2,-61;' +
  '2,1,-1z;6,1,-63;b,1,wlx;1,1,wlu;4n,1,2c;18,*2,-1;6,1,-1;4,3,3m;1d,1,-12;1,3,-11;4,h,-w;h,1,-v;1,9,-w' +
  ';9,1,-1s;1,2,-1r;3,1,-1q;1,1,-1l;4,1,-1b;1,1,-1i;1,1,-8;2,*c,-1;n,1,-2e;1,1,-28;1,1,7;1,1,-38;2,1,-2' +
  'o;3,1,-1;3,1,-1;1h,w,-w;w,g,-28;h,*h,-1;16,*r,-1;1j,*7,-1;d,1,-f;2,*1c,-1;40,12,-1c;29b,17,2bk;19,3,' +
  '2bk;l7,6,-8;1oo,1,-4tq;1,1,-4tp;1,1,-4tg;1,2,-4te;2,1,-4tf;1,1,-4t8;1,1,-4rp;1,1,r7m;6p,1,r9g;4,1,2x' +
  'y;h,1,raw;37,*23,-1;4a,1,-1n;6,*1c,-1;2n,8,8;g,6,8;g,8,8;g,8,8;g,6,8;h,*4,8;f,8,8;g,2,22;2,4,2e;4,2,' +
  '2s;2,2,3k;2,2,34;2,2,3i;4,8,8;g,8,8;g,8,8;g,2,8;3,1,9;b,1,-5k5;5,1,9;d,2,8;g,2,8;5,1,7;e,1,9;9n,1,-s' +
  ';y,g,-g;k,1,-1;ng,q,-q;1gg,1c,-1c;1d,1,-1;4,1,-8bv;1,1,-8bs;2,*3,-1;b,1,-1;3,1,-1;b,*1e,-1;2z,*2,-1;' +
  '7,1,-1;d,12,-5ls;13,1,-5ls;6,1,-5ls;nx0,*n,-1;1s,*e,-1;4i,*7,-1;g,*v,-1;1z,*2,-1;5,*5,-1;d,1,-1;5,*2' +
  ',-1;3,1,1c;3,*a,-1;u,*8,-1;j,*2,-1;9,1,-1;6,*2,-1;v,1,-1;nx,1,-ps;t,28,-tzk;gk1,q,-w;yv,14,-14;4w,10' +
  ',-14;5b,b,-13;c,f,-13;g,7,-13;8,2,-13;1dx,1f,-1s;2dc,w,-w;gww,w,-w;o8y,y,-y'
