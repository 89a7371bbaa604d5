using Bitis.Checkpoints.Safetensors;

namespace Bitis.Checkpoints.Weights;

/// <summary>Chooses the weights among the places of a file.</summary>
/// <remarks>
/// Names of tensors with which a known architecture begins ("marks") show the place and the prefix. Without marks, the
/// names of the places decide.
/// </remarks>
internal sealed class WeightsChooser
{
    /// <summary>The most prefixes that are examined, since each takes a pass over all names.</summary>
    private const int MaxPrefixes = 16;

    private readonly CheckpointFile _file;
    private readonly CheckpointContents _contents;
    private readonly IReadOnlyList<string> _marks;

    private WeightsChooser(CheckpointFile file, CheckpointContents contents, IReadOnlyList<string> marks)
    {
        _file = file;
        _contents = contents;
        _marks = marks;
    }

    /// <summary>Chooses the weights.</summary>
    /// <param name="file">The file, for messages.</param>
    /// <param name="contents">The file's contents.</param>
    /// <param name="key">The place: a key, a prefix of names, or both; null for the usual places.</param>
    /// <param name="marks">Names of tensors with which a known architecture begins.</param>
    /// <exception cref="BitisException">There are no weights, or several places are equally likely.</exception>
    public static ChosenWeights Choose(
        CheckpointFile file, CheckpointContents contents, string? key, IReadOnlyList<string> marks)
    {
        key = key?.TrimEnd('.');
        var chooser = new WeightsChooser(file, contents, marks);
        List<Candidate> scopes = key is null
            ? [.. contents.Places.Select(place => new Candidate(place, ""))]
            : [chooser.ScopeOf(key)];
        // A file with a digest was written by Bitis, and has only prefixes that the user asks for.
        if (contents.Format == CheckpointFormat.Safetensors && contents.Metadata.ContainsKey(ContentDigest.Key))
            return chooser.Take(scopes[0], scopes[0], scopes, asked: scopes[0].Prefix);
        List<Candidate> marked = [.. scopes.SelectMany(chooser.Marked)];
        if (marked.Count > 0)
        {
            Candidate[] ranked = [.. marked.OrderBy(candidate => WeightsNames.Rank(candidate.Name, key))];
            Candidate best = chooser.First(ranked, key);
            return chooser.Take(best, best, ranked, asked: scopes[0].Prefix);
        }
        Candidate[] unmarked = [.. scopes.OrderBy(scope => WeightsNames.Rank(scope.Name, key))];
        Candidate chosen = key is null ? chooser.FirstOrLargest(unmarked) : scopes[0];
        return chooser.Take(chosen.WithoutWrappers(), chosen, [.. Large(unmarked, chosen)], asked: chosen.Prefix);
    }

    /// <summary>Candidates large enough to be a model beside the largest one, unlike a few arrays of a log.</summary>
    private static IEnumerable<Candidate> Large(IReadOnlyList<Candidate> candidates, Candidate? chosen = null)
    {
        int most = candidates.Max(candidate => candidate.Count);
        return candidates.Where(candidate => candidate == chosen || candidate.Count >= most / 10);
    }

    /// <summary>Resolves a user's key to the longest key of a place and a prefix of the names there.</summary>
    private Candidate ScopeOf(string key)
    {
        foreach (WeightsPlace place in _contents.Places.OrderByDescending(place => place.Key.Length))
        {
            string? prefix = place.Key == key ? ""
                : place.Key.Length == 0 ? key + "."
                : key.StartsWith(place.Key + ".", StringComparison.Ordinal) ? key[(place.Key.Length + 1)..] + "."
                : null;
            if (prefix is not null && new Candidate(place, prefix) is { Count: > 0 } scope)
                return scope;
        }
        throw _file.Error(
            $"there are no weights under the key '{key}', and no tensor's name begins with '{key}.'. " + Advice());
    }

    /// <summary>The places in a scope where a known architecture begins.</summary>
    /// <remarks>
    /// What lies inside of a model of another kind is a part of it, such as the backbone of a model with heads.
    /// </remarks>
    private IEnumerable<Candidate> Marked(Candidate scope)
    {
        var prefixes = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach ((string name, _) in scope.Values)
        {
            foreach (string mark in _marks)
            {
                string? prefix = name.EndsWith(mark, StringComparison.Ordinal) ? name[..^mark.Length] : null;
                if (prefix is not ("" or [.., '.']))
                    continue;
                if (!prefixes.TryGetValue(prefix, out HashSet<string>? found) && prefixes.Count <= MaxPrefixes)
                    prefixes.Add(prefix, found = []);
                found?.Add(mark);
            }
        }
        return prefixes.Where(inner => !prefixes.Any(outer => IsPart(inner, outer)))
            .Select(pair => new Candidate(scope.Place, scope.Prefix + pair.Key));

        static bool IsPart(KeyValuePair<string, HashSet<string>> inner, KeyValuePair<string, HashSet<string>> outer) =>
            inner.Key.Length > outer.Key.Length && inner.Key.StartsWith(outer.Key, StringComparison.Ordinal)
            && !inner.Value.Overlaps(outer.Value);
    }

    /// <summary>The best of several candidates; an error if it is ambiguous.</summary>
    private Candidate First(Candidate[] ranked, string? key)
    {
        if (ranked.Length > 1 && WeightsNames.IsForeign(ranked[0].Name, key))
        {
            throw _file.Error(
                "weights of a model were found in several places, and it is not clear which to use. "
                + Listed(ranked));
        }
        return ranked[0];
    }

    /// <summary>A usual place, or else that with the most tensors.</summary>
    private Candidate FirstOrLargest(Candidate[] ranked)
    {
        if (ranked.Length == 0)
            throw _file.Error("no weights were found. " + Advice());
        if (ranked[0].Name.Length > 0 && !WeightsNames.IsForeign(ranked[0].Name, asked: null))
            return ranked[0];
        Candidate[] largest = [.. ranked.OrderByDescending(candidate => candidate.Count)];
        return largest.Length == 1 || largest[0].Count > largest[1].Count
            ? largest[0]
            : throw _file.Error(
                "tensors were found in several places, and it is not clear which to use. "
                + Listed(Large(ranked)));
    }

    /// <summary>Takes the tensors of a candidate.</summary>
    /// <param name="chosen">The candidate.</param>
    /// <param name="named">The candidate with the name to report, without the prefixes of wrappers.</param>
    /// <param name="candidates">The other candidates.</param>
    /// <param name="asked">The prefix that the user asked for, or none. Tensors beside it are not reported.</param>
    private ChosenWeights Take(
        Candidate chosen, Candidate named, IReadOnlyList<Candidate> candidates, string asked)
    {
        string[] others =
        [
            .. from other in candidates
               where other != named && other.Place == chosen.Place && other.Prefix.Length > 0
               select other.Prefix,
        ];
        List<KeyValuePair<string, StoredTensor>> tensors = [];
        var unreadable = new Dictionary<string, string>(StringComparer.Ordinal);
        List<string> leftOut = [];
        foreach ((string fullName, object? value) in chosen.Place.Values)
        {
            if (!fullName.StartsWith(chosen.Prefix, StringComparison.Ordinal))
            {
                bool isKnown = !fullName.StartsWith(asked, StringComparison.Ordinal)
                    || Array.Exists(others, other => fullName.StartsWith(other, StringComparison.Ordinal));
                if (!isKnown && StoredValue.IsTensor(value))
                    leftOut.Add(fullName);
                continue;
            }
            string shortName = fullName[chosen.Prefix.Length..];
            string? obstacle = StoredValue.ObstacleOf(value);
            if (obstacle is not null)
                unreadable[shortName] = obstacle;
            if (!StoredValue.IsTensor(value))
                continue;
            if (obstacle is null)
                tensors.Add(new(shortName, StoredValue.ToTensor(value, fullName, _file)));
            else
                leftOut.Add(shortName);
        }
        string[] keys = [.. candidates.Select(candidate => candidate.Name)];
        return new ChosenWeights(named.Name, keys, tensors, unreadable, leftOut);
    }

    private static string Quote(string key) => key.Length == 0 ? "the top level (an empty key)" : $"'{key}'";

    private static string Listed(IEnumerable<Candidate> candidates) =>
        $"Weights are under: {string.Join(", ", candidates.Take(8).Select(candidate => Quote(candidate.Name)))}; "
        + "choose with the weights key (--weights-key).";

    /// <summary>Advice with the places of weights: those of known architectures, or else all.</summary>
    private string Advice()
    {
        if (TrainingFile.Recognizes(_contents.Metadata))
            return $"This is the checkpoint of a training; {TrainingFile.ChoiceOfWeights}";
        Candidate[] places = [.. _contents.Places.Select(place => new Candidate(place, ""))];
        Candidate[] marked = [.. places.SelectMany(Marked)];
        if (marked.Length > 0)
            return Listed(marked.OrderBy(candidate => WeightsNames.Rank(candidate.Name, asked: null)));
        if (places.Length > 0)
            return Listed(Large(places));
        return _contents.Names.Count == 0
            ? "The file holds nothing that has a name; save model.state_dict()."
            : $"The file holds: {string.Join(", ", _contents.Names.Select(name => $"'{name}'"))}; "
                + "give the weights key (--weights-key), with dots between nested keys.";
    }

    /// <summary>A place and a prefix of the names there, including its dot.</summary>
    internal sealed record Candidate(WeightsPlace Place, string Prefix)
    {
        private const int MaxWrappers = 4;

        private static readonly string[] Wrappers = ["module.", "_orig_mod."];

        /// <summary>Key and prefix, as <c>--weights-key</c> takes them.</summary>
        public string Name { get; } = $"{Place.Key}.{Prefix}".Trim('.');

        /// <summary>The values with the prefix, by the rest of their names.</summary>
        public IEnumerable<KeyValuePair<string, object?>> Values =>
            from item in Place.Values
            where StoredValue.IsTensor(item.Value) && item.Key.StartsWith(Prefix, StringComparison.Ordinal)
            select KeyValuePair.Create(item.Key[Prefix.Length..], item.Value);

        /// <summary>The number of tensors.</summary>
        public int Count { get; } = Place.Values.Count(
            item => StoredValue.IsTensor(item.Value) && item.Key.StartsWith(Prefix, StringComparison.Ordinal));

        /// <summary>The candidate without the prefixes of training wrappers that all names share.</summary>
        public Candidate WithoutWrappers()
        {
            Candidate inner = this;
            for (int i = 0; i < MaxWrappers && Wrappers.FirstOrDefault(inner.AllBeginWith) is { } wrapper; i++)
                inner = new Candidate(Place, inner.Prefix + wrapper);
            return inner;
        }

        private bool AllBeginWith(string wrapper) => Count > 0
            && Values.All(item => item.Key.StartsWith(wrapper, StringComparison.Ordinal));
    }
}
