using System.Globalization;
using System.Text;
using Bitis.Cli.Output.Parts;
using Bitis.Files;

namespace Bitis.Cli.Output;

/// <summary>Writes the classes of images as CSV (RFC 4180, UTF-8): a line for each class of each image.</summary>
internal static class AnswersFile
{
    /// <summary>Writes the file, complete or not at all.</summary>
    /// <exception cref="BitisException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<ImageAnswers> images, CancellationToken cancellationToken) =>
        AtomicFile.Write(
            path,
            stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
                writer.NewLine = "\r\n";
                writer.WriteLine("image,rank,class,name,probability");
                foreach (ImageAnswers image in images)
                {
                    for (int rank = 0; rank < image.Answers.Count; rank++)
                    {
                        Answer answer = image.Answers[rank];
                        writer.WriteLine(string.Create(
                            CultureInfo.InvariantCulture,
                            $"{Field(image.Image)},{rank + 1},{answer.Class},{Field(answer.Name ?? "")},"
                                + $"{answer.Probability:0.######}"));
                    }
                }
            },
            cancellationToken);

    /// <summary>A field, in quotes if it holds what separates fields.</summary>
    private static string Field(string text) =>
        text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"")}\"" : text;
}
