"""Small sound dumps of what is watched or listened to: films, series, short videos and music."""

# ruff: noqa: E501 (raw rows are as long as they are)

from __future__ import annotations

from dump_shape import Dump

GENRES = "0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0"

MEDIA: dict[str, tuple[str, Dump]] = {
    "movielens-100k": (
        "movielens",
        Dump(
            {
                "ml-100k/u.data": "196\t242\t3\t881250949\n186\t302\t3\t891717742\n196\t302\t5\t881250950\n",
                "ml-100k/u.item": (
                    f"242|Toy Story (1995)|01-Jan-1995||http://x|{GENRES}\n"
                    f"302|Misérables, Les (1995)|01-Jan-1995||http://x|{GENRES}\n"
                ).encode("latin-1"),
                "ml-100k/u.user": "196|49|M|writer|55105\n186|39|F|executive|00000\n",
            },
            inter=[["196", "242", "3", "881250949"], ["186", "302", "3", "891717742"], ["196", "302", "5", "881250950"]],
            item=[
                ["242", "Toy Story", "1995", "Animation, Children's, Comedy"],
                ["302", "Misérables, Les", "1995", "Animation, Children's, Comedy"],
            ],
            user=[["196", "49", "M", "writer", "55105"], ["186", "39", "F", "executive", "00000"]],
            damage=("ml-100k/u.data", "ml-100k/u.user"),
        ),
    ),
    "movielens-1m": (
        "movielens",
        Dump(
            {
                "ratings.dat": "1::1193::5::978300760\n1::661::3.5::978302109\n",
                "movies.dat": "1193::One Flew Over the Cuckoo's Nest (1975)::Drama\n661::A \"Q\" (1996)::Children's|Musical\n",
                "users.dat": "1::F::1::10::48067\n",
                "tags.dat": "15::1193::excellent!::1215184630\n16::1193::classic::1\n17::1193::classic::2\n",
            },
            inter=[["1", "1193", "5", "978300760"], ["1", "661", "3.5", "978302109"]],
            item=[
                ["1193", "One Flew Over the Cuckoo's Nest", "1975", "Drama", "classic, excellent!"],
                ["661", 'A "Q"', "1996", "Children's, Musical", ""],
            ],
            user=[["1", "1", "F", "10", "48067"]],
            damage=("ratings.dat", "movies.dat", "users.dat"),
        ),
    ),
    "movielens-latest": (
        "movielens",
        Dump(
            {
                "ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n2,11,0.5,964981247\n",
                "movies.csv": "movieId,title,genres\n1,Toy Story (1995),Adventure|Comedy\n"
                '11,"American President, The (1995)",(no genres listed)\n',
                "tags.csv": "userId,movieId,tag,timestamp\n2,1,Pixar,1445714994\n3,1,pixar,1\n3,1,fun,1\n",
            },
            inter=[["1", "1", "4", "964982703"], ["2", "11", "0.5", "964981247"]],
            item=[
                ["1", "Toy Story", "1995", "Adventure, Comedy", "pixar, fun"],
                ["11", "American President, The", "1995", "", ""],
            ],
            damage=("ratings.csv", "movies.csv"),
            header=1,
        ),
    ),
    "lastfm": (
        "lastfm",
        Dump(
            {
                "user_artists.dat": "userID\tartistID\tweight\n2\t51\t13883\n2\t52\t11690\n3\t51\t1\n",
                "artists.dat": "id\tname\turl\tpictureURL\n51\tDuran Duran\thttp://x\thttp://y\n"
                "52\tMorcheeba \"x\"\thttp://x\t\n",
                "tags.dat": b"tagID\ttagValue\n1\tmetal\n2\tn\xe9o\n",
                "user_taggedartists.dat": "userID\tartistID\ttagID\tday\tmonth\tyear\n2\t51\t1\t1\t4\t2009\n"
                "3\t51\t2\t1\t4\t2009\n4\t51\t2\t1\t4\t2009\n",
            },
            inter=[["2", "51", "13883"], ["2", "52", "11690"], ["3", "51", "1"]],
            item=[["51", "Duran Duran", "néo, metal"], ["52", 'Morcheeba "x"', ""]],
            damage=("user_artists.dat", "artists.dat"),
            header=1,
        ),
    ),
    "anime": (
        "anime",
        Dump(
            {
                "rating.csv": "user_id,anime_id,rating\n1,20,-1\n1,24,10\n2,24,7\n",
                "anime.csv": "anime_id,name,genre,type,episodes,rating,members\n"
                '24,Kimi no &quot;Na&quot; wa.,"Drama, Romance",Movie,1,9.37,200630\n20,Naruto,Action,TV,Unknown,,5\n',
            },
            inter=[["1", "24", "10"], ["2", "24", "7"]],
            item=[
                ["24", 'Kimi no "Na" wa.', "Drama, Romance", "Movie", "1", "9.37", "200630"],
                ["20", "Naruto", "Action", "TV", "", "", "5"],
            ],
            damage=("rating.csv", "anime.csv"),
            header=1,
        ),
    ),
    "microlens": (
        "microlens",
        Dump(
            {
                "MicroLens-50k_pairs.csv": "user,item,timestamp\n36121,9580,1583378629552\n1,2,1583378630000\n",
                "MicroLens-50k_titles.csv": "item,title\n9580,\"Food, \"\"yummy\"\" #1\"\n2,plain, with comma\n",
            },
            inter=[["36121", "9580", "1583378629.552"], ["1", "2", "1583378630"]],
            item=[["9580", 'Food, "yummy" #1'], ["2", "plain, with comma"]],
            damage=("MicroLens-50k_pairs.csv", "MicroLens-50k_titles.csv"),
            header=1,
        ),
    ),
}  # fmt: skip
