"""Small sound dumps of what is read: news, books, courses and jokes."""

# ruff: noqa: E501 (raw rows are as long as they are)

from __future__ import annotations

from dump_shape import Dump, lines

READINGS: dict[str, tuple[str, Dump]] = {
    "mind": (
        "mind",
        Dump(
            {
                "MINDsmall_train/behaviors.tsv": "1\tU1\t11/11/2019 9:05:58 AM\tN1 N2\tN3-1 N2-0\n"
                "2\tU2\t11/12/2019 6:11:30 PM\t\tN1-0 N2-1\n",
                "MINDsmall_train/news.tsv": 'N1\tlifestyle\troyals\tThe "Brands" Swear\tShop "all"\thttps://x\t[]\t[]\n'
                "N2\tnews\tworld\tTitle two\t\thttps://x\t[]\t[]\n",
                "MINDsmall_dev/behaviors.tsv": "1\tU1\t11/15/2019 0:00:01 AM\tN1 N2 N3\tN2-1\n".replace("0:00", "12:00"),
                "MINDsmall_dev/news.tsv": "N2\tnews\tworld\tTitle two\t\thttps://x\t[]\t[]\n"
                "N3\tsports\tnfl\tTitle three\tAbstract\thttps://x\t[]\t[]\n",
            },
            inter=[
                ["U1", "N2", "1573776001"],
                ["U1", "N3", "1573463158"],
                ["U2", "N2", "1573582290"],
            ],
            item=[
                ["N2", "Title two", "news", "world", ""],
                ["N3", "Title three", "sports", "nfl", "Abstract"],
                ["N1", 'The "Brands" Swear', "lifestyle", "royals", 'Shop "all"'],
            ],
            damage=("MINDsmall_train/behaviors.tsv", "MINDsmall_train/news.tsv"),
        ),
    ),
    "goodreads": (
        "goodreads",
        Dump(
            {
                "goodreads_interactions_poetry.json": lines(
                    {"user_id": "8842281e", "book_id": "36085522", "rating": 5,
                     "date_added": "Sun Jul 30 07:44:10 -0700 2017"},
                    {"user_id": "8842281e", "book_id": "2", "rating": 0, "date_added": "Wed Aug 01 00:00:00 +0000 2012"},
                    {"user_id": "72fb0d00", "book_id": "2", "rating": 3, "date_added": "Wed Aug 01 01:00:00 +0100 2012"},
                ),
                "goodreads_books_poetry.json": lines(
                    {"book_id": "36085522", "title": "Poems", "description": "Lines\nof verse", "publisher": "P",
                     "authors": [{"author_id": "1", "role": ""}, {"author_id": "9", "role": ""}],
                     "popular_shelves": [{"count": "9", "name": "to-read"}, {"count": "2", "name": "poetry"}],
                     "publication_year": "1999"},
                    {"book_id": "2", "title": "Verse", "description": "", "authors": [], "popular_shelves": []},
                ),
                "goodreads_book_authors.json": lines({"author_id": "1", "name": "Ann Poet"}, "broken"),
                "goodreads_book_genres_initial.json": lines({"book_id": "2", "genres": {"poetry": 3, "fiction": 1}}),
            },
            inter=[["8842281e", "36085522", "5", "1501425850"], ["72fb0d00", "2", "3", "1343779200"]],
            item=[
                ["36085522", "Poems", "Ann Poet", "poetry", "1999", "P", "Lines of verse"],
                ["2", "Verse", "", "poetry, fiction", "", "", ""],
            ],
            damage=("goodreads_interactions_poetry.json", "goodreads_books_poetry.json"),
        ),
    ),
    "book-crossing": (
        "book-crossing",
        Dump(
            {
                "BX-Book-Ratings.csv": '"User-ID";"ISBN";"Book-Rating"\n"276725";"034545104X";"0"\n'
                '"276726";"0155061224";"5"\n"276727";"078946697X";"10"\n',
                "BX-Books.csv": (
                    '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Publisher";"Image-URL-S";"Image-URL-M";'
                    '"Image-URL-L"\n'
                    '"034545104X";"Flesh Tones: A Novel";"M. J. Rose";"2002";"Ballantine Books";"u";"u";"u"\n'
                    '"0155061224";"Rites \\"of\\" Passage; more &amp; more";"Judith Raë";"0";"Heinle";"u";"u";"u"\n'
                    '"078946697X";"DK Readers: X-Men (Level 4)\\";Michael Teitelbaum\\"";"2000";"DK";"u";"u";"u"\n'
                ).encode("latin-1"),
                "BX-Users.csv": '"User-ID";"Location";"Age"\n"276725";"tyler, texas, usa";NULL\n'
                '"276726";"seattle, washington, usa";"18"\n',
            },
            inter=[["276726", "0155061224", "5"], ["276727", "078946697X", "10"]],
            item=[
                ["034545104X", "Flesh Tones: A Novel", "M. J. Rose", "2002", "Ballantine Books"],
                ["0155061224", 'Rites "of" Passage; more & more', "Judith Raë", "", "Heinle"],
                ["078946697X", "DK Readers: X-Men (Level 4)", "Michael Teitelbaum", "2000", "DK"],
            ],
            user=[["276725", "tyler, texas, usa", ""], ["276726", "seattle, washington, usa", "18"]],
            damage=("BX-Book-Ratings.csv", "BX-Books.csv", "BX-Users.csv"),
            header=1,
        ),
    ),
    "mooc": (
        "mooc",
        Dump(
            {
                "entities/user.json": lines(
                    {"id": "U_24", "name": "王", "gender": 1, "school": "清华大学", "year_of_birth": 1981,
                     "course_order": [682129, 640053], "enroll_time": ["2019-10-12 10:28:02", "2019-11-20 18:14:26"]},
                    {"id": "U_53", "course_order": [], "enroll_time": []},
                ),
                "entities/course.json": lines(
                    {"id": "C_682129", "name": "资治通鉴", "field": ["历史学", "文学"], "about": "a\tb", "prerequisites": ""},
                    {"id": "C_640053", "name": "Course \"two\"", "field": [], "about": "", "prerequisites": None},
                ),
            },
            inter=[["U_24", "C_682129", "1570876082"], ["U_24", "C_640053", "1574273666"]],
            item=[["C_682129", "资治通鉴", "历史学, 文学", "a b", ""], ["C_640053", 'Course "two"', "", "", ""]],
            user=[["U_24", "1", "清华大学", "1981"], ["U_53", "", "", ""]],
            damage=("entities/user.json", "entities/course.json"),
        ),
    ),
    "jester": (
        "jester",
        Dump(
            {
                "jester-data-1.csv": "2,-7.82,99,9.37\n1,99,0.5,99\n",
                "init1.html": "<html>x<!--begin of joke -->\nA <i>man</i>\nwalks &quot;in&quot;\n<!--end of joke --></html>",
                "init3.html": "<!--begin of joke -->Two<!--end of joke -->",
            },
            inter=[["1", "1", "-7.82"], ["1", "3", "9.37"], ["2", "2", "0.5"]],
            item=[["1", 'A man walks "in"'], ["3", "Two"]],
            damage=("jester-data-1.csv",),
        ),
    ),
    "jester-2": (
        "jester",
        Dump(
            {
                "jester_ratings.dat": "1\t\t5\t\t0.219\n1\t\t7\t\t-9.281\n",
                "jester_items.dat": "5:\n<p>\nA man\n</p>\n\n7:\nTwo\n",
            },
            inter=[["1", "5", "0.219"], ["1", "7", "-9.281"]],
            item=[["5", "A man"], ["7", "Two"]],
            damage=("jester_ratings.dat",),
        ),
    ),
}  # fmt: skip
