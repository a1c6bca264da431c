/** What a designed voice says in its recording: some eight seconds with many sounds of the language, and nothing that sets a mood. */
import type { Language } from "@parlance/contracts";

const english =
  "The ferry leaves at a quarter past nine, and the crossing takes about an hour. Would you like a seat by the window, or shall we stand on deck and look out for the lighthouse?";

const texts: Partial<Record<Language, string>> = {
  Chinese: "渡船九点一刻出发，航程大约一个小时。您想坐靠窗的位置，还是我们一起站在甲板上，看看远处的灯塔？",
  Japanese:
    "フェリーは九時十五分に出発し、渡るのに一時間ほどかかります。窓側の席がよろしいですか、それともデッキに出て灯台を眺めましょうか。",
  Korean:
    "여객선은 아홉 시 십오 분에 출발하고, 건너는 데 한 시간쯤 걸립니다. 창가 자리에 앉으시겠어요, 아니면 갑판에 나가서 등대를 볼까요?",
  German:
    "Die Fähre legt um Viertel nach neun ab, und die Überfahrt dauert etwa eine Stunde. Möchten Sie einen Platz am Fenster, oder wollen wir an Deck stehen und nach dem Leuchtturm schauen?",
  French:
    "Le bac part à neuf heures et quart, et la traversée dure environ une heure. Voulez-vous une place près de la fenêtre, ou préférez-vous rester sur le pont pour apercevoir le phare ?",
  Russian:
    "Паром отходит в четверть десятого, и переправа занимает около часа. Хотите место у окна, или постоим на палубе и посмотрим на маяк?",
  Portuguese:
    "A balsa parte às nove e quinze, e a travessia leva cerca de uma hora. Quer um lugar junto à janela, ou ficamos no convés para ver o farol?",
  Spanish:
    "El ferry sale a las nueve y cuarto, y la travesía dura más o menos una hora. ¿Quiere un asiento junto a la ventana, o nos quedamos en cubierta para ver el faro?",
  Italian:
    "Il traghetto parte alle nove e un quarto, e la traversata dura circa un'ora. Preferisce un posto vicino al finestrino, o restiamo sul ponte a guardare il faro?",
};

/** English where the language is another one, or not said. */
export function sampleText(language: Language): string {
  return texts[language] ?? english;
}
