import PDFDocument from 'pdfkit';
import { SwissQRBill } from 'swissqrbill/pdf';
import type { PaymentPart, PaymentParty } from '../core/payment-part.ts';
import type { PrintedBill, PrintedLine, PrintedSum } from '../core/printed-bill.ts';
import { type Setting, type Typesetting, typesetting } from './fonts.ts';

/** Points, the unit of a PDF, in a millimetre. */
const MM = 72 / 25.4;
const PAGE = { width: 210 * MM, height: 297 * MM };
const LEFT = 20 * MM;
const RIGHT = PAGE.width - 20 * MM;
const TOP = 22 * MM;
const BOTTOM = PAGE.height - 18 * MM;
const FACTS = 122 * MM;
const PAYMENT_HEIGHT = 105 * MM;

/** Where the window of an envelope shows the address: C5/6 with the window on the left, DIN 5008 form B. */
const ADDRESS_TOP = 50 * MM;

const INK = '#111111';
const GREY = '#5a5a5a';
const PALE = '#c4c4c4';

interface Style {
  readonly size: number;
  readonly bold?: boolean;
  readonly color?: string;
  readonly align?: 'left' | 'right';
  /** The most lines; what is longer ends in an ellipsis. */
  readonly lines?: number;
}

const BODY: Style = { size: 9, lines: 8 };
const SMALL: Style = { size: 8, color: GREY, lines: 2 };
const FIGURE: Style = { size: 9, align: 'right', lines: 1 };

/** A place on the page: its left edge and its width. */
interface Column {
  readonly x: number;
  readonly width: number;
}

const COLUMNS = {
  description: { x: LEFT, width: 78 * MM },
  quantity: { x: LEFT + 80 * MM, width: 18 * MM },
  unitPrice: { x: LEFT + 98 * MM, width: 26 * MM },
  vat: { x: LEFT + 124 * MM, width: 16 * MM },
  amount: { x: LEFT + 140 * MM, width: 30 * MM },
} as const satisfies Record<string, Column>;

/** What is said below a description may reach under the quantity, which stands above. */
const DETAILS: Column = { x: LEFT, width: 96 * MM };
const WHOLE: Column = { x: LEFT, width: RIGHT - LEFT };
const SUM_LABEL: Column = { x: LEFT + 50 * MM, width: 86 * MM };

/** Draws a bill on A4. The same bill gives the same bytes: the only date in the file is that of its issue. */
export async function renderBillPdf(bill: PrintedBill): Promise<Buffer> {
  const sheet = new BillSheet(bill, await typesetting());
  sheet.drawHead();
  sheet.drawLines();
  sheet.drawSums();
  sheet.drawNotes();
  sheet.drawPayment();
  sheet.drawPageNumbers();
  return sheet.finish();
}

class BillSheet {
  readonly #bill: PrintedBill;
  readonly #type: Typesetting;
  readonly #pdf: PDFKit.PDFDocument;
  // What is measured is drawn right after, and many words stand on a bill more than once.
  readonly #settings = new Map<string, Setting>();
  readonly #heights = new Map<string, number>();
  /** Where the next thing begins, from the top of the page. */
  #y = TOP;

  constructor(bill: PrintedBill, type: Typesetting) {
    this.#bill = bill;
    this.#type = type;
    this.#pdf = new PDFDocument({
      size: 'A4',
      margin: 0,
      // Else pdfkit reads the metrics of Helvetica, which do not ship.
      font: '',
      bufferPages: true,
      pdfVersion: '1.7',
      lang: bill.language,
      displayTitle: true,
      info: {
        Title: bill.title,
        Author: bill.seller[0] ?? '',
        Creator: 'uncloud',
        CreationDate: new Date(bill.issuedAt * 1000),
      },
    });
    // pdfkit takes a font that was read already; its types know of files only.
    for (const [name, font] of type.fonts) this.#pdf.registerFont(name, font as unknown as Uint8Array);
  }

  /** The seller, the address in the window of the envelope, and the dates beside it. */
  drawHead(): void {
    const { seller, buyer, facts, title } = this.#bill;
    const [name = '', ...address] = seller;
    let y = 17 * MM;
    y += this.#text(name, WHOLE, y, { size: 14, bold: true, lines: 2 }) + 3;
    y += this.#text(address.join(' · '), WHOLE, y, SMALL) + 6;
    this.#rule(y, WHOLE, PALE);
    let left = ADDRESS_TOP;
    for (const line of buyer) {
      left += this.#text(line, { x: LEFT, width: 88 * MM }, left, { size: 10, lines: 2 }) + 2;
    }
    let right = ADDRESS_TOP;
    for (const [label, value] of facts) {
      this.#text(label, { x: FACTS, width: 27 * MM }, right, { ...BODY, color: GREY, lines: 1 });
      right += this.#text(value, { x: FACTS + 28 * MM, width: 40 * MM }, right, { ...BODY, lines: 2 }) + 3;
    }
    this.#y = Math.max(left, right, 84 * MM) + 8 * MM;
    this.#y += this.#text(title, WHOLE, this.#y, { size: 18, bold: true, lines: 1 }) + 6 * MM;
  }

  /** The table; its head stands on each page. */
  drawLines(): void {
    this.#drawTableHead();
    for (const line of this.#bill.lines) {
      const height = this.#heightOf(line);
      if (this.#y + height > BOTTOM) {
        this.#startPage();
        this.#drawTableHead();
      }
      this.#drawLine(line);
      this.#y += height;
      this.#rule(this.#y - 4, WHOLE, PALE);
    }
  }

  drawSums(): void {
    const { sums, total } = this.#bill;
    this.#makeRoom((sums.length + 1) * 15 + 20);
    this.#y += 4;
    for (const sum of sums) this.#drawSum(sum, {});
    this.#rule(this.#y + 1, { x: COLUMNS.unitPrice.x, width: RIGHT - COLUMNS.unitPrice.x }, INK);
    this.#y += 6;
    this.#drawSum(total, { size: 11, bold: true });
  }

  drawNotes(): void {
    const { words } = this.#bill;
    // What a reader may take for a fault of the paper has to be said.
    const isWhole = [...this.#settings.values()].every(({ isComplete }) => isComplete);
    const notes = isWhole ? this.#bill.notes : [...this.#bill.notes, words.unprintable];
    const heights = notes.map((note) => this.#height(note, WHOLE.width, BODY) + 3);
    this.#y += 6 * MM;
    this.#makeRoom(heights.reduce((sum, height) => sum + height, 0));
    for (const note of notes) this.#y += this.#text(note, WHOLE, this.#y, BODY) + 3;
  }

  /** The Swiss payment part: the lowest 105 mm of the last page. */
  drawPayment(): void {
    const { payment, language } = this.#bill;
    if (payment === null) return;
    const top = PAGE.height - PAYMENT_HEIGHT;
    if (this.#y > top - 4 * MM) this.#startPage();
    const { regular } = this.#type.names;
    const slip = new SwissQRBill(slipOf(payment), {
      language: language === 'de' ? 'DE' : 'EN',
      fontName: regular,
    });
    this.#pdf.fillColor('black');
    this.#pdf.y = this.#y;
    slip.attachTo(this.#pdf, 0, top);
  }

  drawPageNumbers(): void {
    const { title, words } = this.#bill;
    const { start, count } = this.#pdf.bufferedPageRange();
    for (let index = 0; index < count; index++) {
      this.#pdf.switchToPage(start + index);
      const page = words.page(index + 1, count);
      this.#text(index === 0 ? page : `${title} · ${page}`, WHOLE, 9 * MM, { ...SMALL, align: 'right' });
    }
  }

  async finish(): Promise<Buffer> {
    this.#pdf.end();
    const chunks: Buffer[] = [];
    for await (const chunk of this.#pdf) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  #drawTableHead(): void {
    const { words, amountTitle } = this.#bill;
    const head: Style = { size: 8, bold: true, lines: 1 };
    this.#text(words.description, COLUMNS.description, this.#y, head);
    for (const [title, column] of [
      [words.quantity, COLUMNS.quantity],
      [words.unitPrice, COLUMNS.unitPrice],
      [words.vat, COLUMNS.vat],
      [amountTitle, COLUMNS.amount],
    ] as const) {
      this.#text(title, column, this.#y, { ...head, align: 'right' });
    }
    this.#y += 13;
    this.#rule(this.#y, WHOLE, INK);
    this.#y += 6;
  }

  #drawLine(line: PrintedLine): void {
    const under = this.#text(line.description, COLUMNS.description, this.#y, BODY);
    this.#text(line.details, DETAILS, this.#y + under + 1, SMALL);
    this.#figure(line.quantity, COLUMNS.quantity);
    this.#figure(line.unitPrice, COLUMNS.unitPrice);
    this.#figure(line.vat, COLUMNS.vat);
    this.#figure(line.amount, COLUMNS.amount);
    const below = this.#y + this.#height('0', COLUMNS.unitPrice.width, FIGURE) + 1;
    this.#text(line.per, COLUMNS.unitPrice, below, { ...SMALL, align: 'right', lines: 1 });
  }

  /** The height of a line: that of its words, or of its unit price with what it is for below. */
  #heightOf({ description, details, per }: PrintedLine): number {
    const { width } = COLUMNS.unitPrice;
    const words =
      this.#height(description, COLUMNS.description.width, BODY) +
      this.#height(details, DETAILS.width, SMALL);
    const price = this.#height('0', width, FIGURE) + this.#height(per, width, { ...SMALL, lines: 1 });
    return Math.max(words, price) + 10;
  }

  #drawSum({ label, amount }: PrintedSum, style: Partial<Style>): void {
    this.#text(label, SUM_LABEL, this.#y, { ...FIGURE, ...style });
    this.#figure(amount, COLUMNS.amount, style);
    this.#y += 15;
  }

  #startPage(): void {
    this.#pdf.addPage();
    this.#y = TOP;
  }

  #makeRoom(height: number): void {
    if (this.#y + height > BOTTOM) this.#startPage();
  }

  /** A number is never wrapped or cut: it shrinks until it fits. */
  #figure(text: string, { x, width }: Column, style: Partial<Style> = {}): void {
    const { size, bold = false } = { ...FIGURE, ...style };
    const natural = this.#use(text, { size, bold }).widthOfString(text);
    this.#pdf.fontSize(size * Math.min(1, width / natural));
    this.#pdf
      .fillColor(INK)
      .text(text, x + width - this.#pdf.widthOfString(text), this.#y, { lineBreak: false });
  }

  /** Draws text into a column and returns its height. */
  #text(text: string, { x, width }: Column, y: number, style: Style): number {
    const height = this.#height(text, width, style);
    const { color = INK, align = 'left' } = style;
    const shown = this.#set(text).text;
    if (shown !== '') this.#pdf.fillColor(color).text(shown, x, y, { width, height, align, ellipsis: true });
    return height;
  }

  /** Text as it can be printed; each is asked for several times. */
  #set(text: string): Setting {
    const known = this.#settings.get(text) ?? this.#type.set(text);
    this.#settings.set(text, known);
    return known;
  }

  /** The height of text in a column, which becomes the current font. */
  #height(text: string, width: number, style: Style): number {
    const pdf = this.#use(text, style);
    const key = `${width} ${style.size} ${style.bold} ${style.lines} ${text}`;
    const known = this.#heights.get(key);
    if (known !== undefined) return known;
    const line = pdf.currentLineHeight(true);
    const natural = pdf.heightOfString(this.#set(text).text, { width });
    const height = Math.min(natural, (style.lines ?? Number.POSITIVE_INFINITY) * line);
    this.#heights.set(key, height);
    return height;
  }

  #use(text: string, { size, bold = false }: Pick<Style, 'size' | 'bold'>): PDFKit.PDFDocument {
    const { names } = this.#type;
    const font = this.#set(text).isWide ? names.wide : bold ? names.bold : names.regular;
    return this.#pdf.font(font).fontSize(size);
  }

  #rule(y: number, { x, width }: Column, color: string): void {
    this.#pdf
      .moveTo(x, y)
      .lineTo(x + width, y)
      .lineWidth(0.6)
      .strokeColor(color)
      .stroke();
  }
}

function slipOf({ iban, currency, amount, reference, creditor, debtor }: PaymentPart) {
  return {
    currency,
    // At most eleven digits: the quotient prints with exactly these two decimals.
    amount: Number(amount) / 100,
    reference,
    creditor: { account: iban, ...partyOnSlip(creditor) },
    ...(debtor === null ? {} : { debtor: partyOnSlip(debtor) }),
  };
}

function partyOnSlip({ name, street, postalCode, city, country }: PaymentParty) {
  return { name, address: street, zip: postalCode, city, country };
}
