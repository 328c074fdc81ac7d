"""A few paragraphs in each of many languages, and what a reader of that language would type to find each."""

from __future__ import annotations

from collections.abc import Mapping

# language → paragraph → queries that must find it before any other paragraph of any language
CORPUS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Chinese": {
        "河上的老石桥是石匠李建国在一七八四年夏天完成的。他和十二名工人一起工作了四年。": ("石桥", "石匠", "李建国"),
        "蜜蜂根据太阳的位置找到回家的路。它们用舞蹈告诉同伴花在哪里。": ("蜜蜂", "太阳的位置", "花"),
        "蒸汽机取代了磨坊的水轮，磨坊主抱怨煤炭的价格太高。": ("蒸汽机", "煤炭价格", "磨坊主"),
    },
    "Japanese": {
        "川にかかる古い石橋は、石工の田中一郎が四年かけて完成させた。": ("石橋", "田中一郎", "川"),
        "ミツバチは太陽の位置を手がかりに巣へ帰り、ダンスで仲間に花の場所を教える。": ("ミツバチ", "ﾐﾂﾊﾞﾁ", "巣"),
        "水車は蒸気エンジンに取り替えられ、粉屋は石炭の値段に文句を言い続けた。": ("蒸気エンジン", "粉屋", "水車"),
    },
    "Korean": {
        "강 위의 오래된 돌다리는 석공 김철수가 사 년 동안 일하여 완성하였다.": ("돌다리", "석공", "김철수"),
        "꿀벌은 태양의 위치를 보고 집으로 돌아가며 춤으로 꽃의 자리를 알린다.": ("꿀벌", "태양", "꽃"),
        "증기기관이 물레방아를 대신하자 방앗간 주인은 석탄 값이 비싸다고 불평했다.": ("증기기관", "석탄", "방앗간"),
    },
    "Thai": {
        "สะพานหินเก่าข้ามแม่น้ำสร้างเสร็จโดยช่างหินชื่อสมชายหลังจากทำงานสี่ปี": ("สะพานหิน", "สมชาย", "ช่างหิน"),
        "ผึ้งหาทางกลับรังโดยดูตำแหน่งของดวงอาทิตย์และเต้นรำบอกทางไปหาดอกไม้": ("ผึ้ง", "ดวงอาทิตย์", "ดอกไม้"),
        "เครื่องจักรไอน้ำมาแทนกังหันน้ำของโรงสี เจ้าของโรงสีบ่นเรื่องราคาถ่านหิน": ("เครื่องจักรไอน้ำ", "ถ่านหิน", "โรงสี"),
    },
    "Lao": {
        "ຂົວຫີນເກົ່າຂ້າມແມ່ນ້ຳສ້າງສຳເລັດໂດຍຊ່າງຫີນຫຼັງຈາກເຮັດວຽກສີ່ປີ": ("ຂົວຫີນ", "ຊ່າງຫີນ"),
        "ເຜິ້ງຊອກທາງກັບຮັງໂດຍເບິ່ງຕຳແໜ່ງຂອງດວງອາທິດ": ("ເຜິ້ງ", "ດວງອາທິດ"),
    },
    "Khmer": {
        "ស្ពានថ្មចាស់ឆ្លងទន្លេត្រូវបានសាងសង់ដោយជាងថ្មបន្ទាប់ពីធ្វើការបួនឆ្នាំ": ("ស្ពានថ្ម", "ជាងថ្ម"),
        "ឃ្មុំរកផ្លូវត្រឡប់ទៅសំបុកវិញដោយមើលទីតាំងព្រះអាទិត្យ": ("ឃ្មុំ", "ព្រះអាទិត្យ"),
    },
    "Burmese": {
        "မြစ်ကူးကျောက်တံတားဟောင်းကို ပန်းရန်ဆရာက လေးနှစ်ကြာ တည်ဆောက်ခဲ့သည်။": ("ကျောက်တံတား", "ပန်းရန်ဆရာ"),
        "ပျားများသည် နေ၏တည်နေရာကိုကြည့်၍ အိမ်ပြန်လမ်းကို ရှာကြသည်။": ("ပျား", "အိမ်ပြန်လမ်း"),
    },
    "Arabic": {
        "أكمل البنّاء أحمد الجسر الحجري القديم فوق النهر بعد أربع سنوات من العمل.": ("الجسر الحجري", "احمد", "النهر"),
        "يجد النحل طريقه إلى الخلية بموقع الشمس ويرقص ليدلّ غيره على الزهور.": ("النحل", "النَّحْل", "الشمس"),
        "حلّت آلة البخار محل عجلة المطحنة واشتكى الطحّان من سعر الفحم.": ("الة البخار", "المطحنة", "الفحم"),
    },
    "Persian": {
        "پل سنگی کهنه روی رودخانه را بنّایی به نام رضا پس از چهار سال کار تمام کرد.": ("پل سنگی", "رودخانه"),
        "زنبورها راه خانه را با جای خورشید پیدا می‌کنند و با رقص جای گل‌ها را می‌گویند.": ("زنبورها", "خورشيد", "رقص"),
    },
    "Hebrew": {
        "הבנאי דוד סיים את גשר האבן הישן מעל הנהר אחרי ארבע שנות עבודה.": ("גשר האבן", "גֶּשֶׁר", "הבנאי"),
        "הדבורים מוצאות את הדרך לכוורת לפי מקום השמש ורוקדות כדי לספר היכן הפרחים.": ("הדבורים", "השמש", "לכוורת"),
        "מנוע קיטור החליף את גלגל הטחנה והטוחן התלונן על מחיר הפחם.": ("מנוע קיטור", "הטחנה", "הפחם"),
    },
    "Hindi": {
        "नदी पर पुराना पत्थर का पुल राजमिस्त्री रामलाल ने चार साल के काम के बाद पूरा किया।": ("पत्थर का पुल", "राजमिस्त्री"),
        "मधुमक्खियाँ सूर्य की स्थिति से घर का रास्ता ढूँढती हैं और नाचकर फूलों का पता बताती हैं।": ("सूर्य", "मधुमक्खियाँ", "फूलों"),
        "भाप के इंजन ने चक्की के पहिये की जगह ली और चक्कीवाला कोयले के दाम की शिकायत करता रहा।": ("भाप के इंजन", "कोयले"),
    },
    "Tamil": {
        "ஆற்றின் மேல் உள்ள பழைய கல் பாலத்தை கொத்தனார் நான்கு ஆண்டுகள் உழைத்து முடித்தார்.": ("கல் பாலம்", "கொத்தனார்"),
        "தேனீக்கள் சூரியனின் இடத்தைக் கொண்டு கூட்டுக்கு வழி கண்டுபிடிக்கின்றன.": ("தேனீக்கள்", "சூரியன்"),
    },
    "Russian": {
        "Старый каменный мост через реку достроил каменщик Фёдор после четырёх лет работы.": (
            "каменного моста",
            "федор",
        ),
        "Пчёлы находят дорогу домой по положению солнца и танцуют, чтобы указать на цветы.": (
            "пчелы",
            "солнце",
            "цветов",
        ),
        "Паровая машина заменила колесо мельницы, и мельник жаловался на цену угля.": (
            "паровой машины",
            "МЕЛЬНИЦА",
            "угля",
        ),
    },
    "Ukrainian": {
        "Старий кам’яний міст через річку добудував муляр Тарас після чотирьох років праці.": (
            "кам'яний міст",
            "річку",
        ),
        "Бджоли знаходять дорогу додому за положенням сонця й танцюють біля вулика.": ("бджоли", "вулика"),
    },
    "Greek": {
        "Το παλιό πέτρινο γεφύρι πάνω από το ποτάμι το τελείωσε ο χτίστης Γιώργος.": (
            "πετρινο γεφυρι",
            "ΓΕΦΥΡΙ",
            "χτίστης",
        ),
        "Οι μέλισσες βρίσκουν τον δρόμο για το σπίτι από τη θέση του ήλιου.": ("μέλισσα", "ΗΛΙΟΥ", "δρομος"),
        "Η ατμομηχανή αντικατέστησε τον τροχό του μύλου και ο μυλωνάς παραπονιόταν.": (
            "ατμομηχανη",
            "μύλος",
            "μυλωνας",
        ),
    },
    "Turkish": {
        "Irmağın üstündeki eski taş köprüyü usta İbrahim dört yıl çalıştıktan sonra bitirdi.": (
            "taş köprüyü",
            "ırmağın",
            "ibrahim",
        ),
        "Arılar güneşin yerine bakarak evin yolunu bulur ve çiçekleri dans ederek anlatır.": (
            "arılar",
            "ARILAR",
            "gunesin",
        ),
        "Buhar makinesi değirmenin çarkının yerini aldı, değirmenci kömürün fiyatından yakındı.": (
            "buhar makinesi",
            "komurun",
        ),
    },
    "German": {
        "Die alte Steinbrücke über den Fluß vollendete der Maurer Jörg Weiß nach vier Jahren.": (
            "steinbrucke",
            "Fluss",
            "WEISS",
        ),
        "Bienen finden nach Hause, indem sie sich nach der Sonne richten; sie tanzen für die anderen.": (
            "Bienen",
            "Sonne",
        ),
        "Eine Dampfmaschine ersetzte das Mühlrad, und der Müller klagte über den Kohlenpreis.": (
            "Mühlrad",
            "muhlrad",
            "Müller",
        ),
    },
    "French": {
        "Le vieux pont de pierre sur la rivière fut achevé par le maçon après quatre ans.": (
            "pont de pierre",
            "macon",
            "rivière",
        ),
        "Les abeilles retrouvent la ruche grâce au soleil et dansent près de l’entrée.": (
            "abeilles",
            "soleil",
            "entree",
        ),
        "Une machine à vapeur remplaça la roue du moulin ; le meunier se plaignait du charbon.": (
            "vapeur",
            "meunier",
            "charbon",
        ),
    },
    "Spanish": {
        "El viejo puente de piedra sobre el río lo terminó el albañil después de cuatro años.": (
            "puente de piedra",
            "albanil",
        ),
        "Las abejas encuentran el camino a casa por la posición del sol y bailan en la colmena.": ("abejas", "colmena"),
    },
    "Vietnamese": {
        "Cây cầu đá cũ bắc qua sông do người thợ nề hoàn thành sau bốn năm làm việc.": ("cầu đá", "cau da", "thợ nề"),
        "Ong tìm đường về tổ nhờ vị trí mặt trời và nhảy múa để chỉ chỗ có hoa.": ("mặt trời", "mat troi", "nhảy múa"),
        "Động cơ hơi nước thay thế bánh xe của cối xay, chủ cối xay phàn nàn về giá than.": (
            "hơi nước",
            "cối xay",
            "giá than",
        ),
    },
    "Polish": {
        "Stary kamienny most nad rzeką ukończył murarz Łukasz po czterech latach pracy.": (
            "kamienny most",
            "lukasz",
            "rzeka",
        ),
        "Pszczoły znajdują drogę do domu według słońca i tańczą, by wskazać kwiaty.": ("pszczoly", "słońca", "kwiaty"),
        "Maszyna parowa zastąpiła koło młyna, a młynarz narzekał na cenę węgla.": (
            "maszyna parowa",
            "mlynarz",
            "wegla",
        ),
    },
    "Czech": {
        "Starý kamenný most přes řeku dokončil zedník Jiří po čtyřech letech práce.": ("zedník", "jiri", "REKU"),
        "Včely nacházejí cestu domů podle polohy slunce a tančí před úlem.": ("včely", "vcely", "úlem"),
    },
    "English": {
        "The old stone bridge over the river was finished by the mason Thomas after four years.": (
            "stone bridge",
            "mason",
        ),
        "Bees find their way home by the position of the sun and dance to tell where to fly.": ("bees", "dancing"),
        "A steam engine replaced the wheel of the mill, and the miller complained about the price of coal.": (
            "engines",
        ),
    },
}

CASES = [
    (language, query, paragraph)
    for language, paragraphs in CORPUS.items()
    for paragraph, queries in paragraphs.items()
    for query in queries
]
