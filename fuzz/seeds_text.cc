// SPDX-License-Identifier: Apache-2.0
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/seeds.h"

namespace cnf::fuzz {
namespace {

using Named = std::pair<std::string_view, std::string_view>;

void write_all(const SeedWriter& seeds, std::string_view target,
               std::initializer_list<Named> texts) {
  for (const auto& [name, text] : texts) seeds.write(target, name, text);
}

std::string document(std::string_view root, std::string_view content) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<";
  text.append(root).append(" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
  text.append(content).append("</").append(root).append(">");
  return text;
}

void write_xml_seeds(const SeedWriter& seeds) {
  seeds.write("s3_xml", "error",
              document("Error",
                       "<Code>AuthorizationHeaderMalformed</Code><Message>the region\nis wrong"
                       "</Message><Region>eu-west-1</Region>"));
  seeds.write("s3_xml", "list",
              document("ListBucketResult",
                       "<Name>b</Name><Prefix>a/</Prefix><KeyCount>2</KeyCount>"
                       "<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
                       "<NextContinuationToken>token</NextContinuationToken>"
                       "<Contents><Key>a/b%20c+d</Key><LastModified>2009-10-12T17:50:30.000Z"
                       "</LastModified><ETag>&quot;e1&quot;</ETag><Size>434234</Size>"
                       "<StorageClass>STANDARD</StorageClass></Contents>"
                       "<CommonPrefixes><Prefix>a/e/</Prefix></CommonPrefixes>"));
  seeds.write("s3_xml", "delete",
              document("DeleteResult",
                       "<Error><Key>a/b</Key><Code>AccessDenied</Code><Message>no</Message>"
                       "</Error>"));
  seeds.write("s3_xml", "upload",
              document("InitiateMultipartUploadResult",
                       "<Bucket>b</Bucket><Key>a/b</Key><UploadId>VXBsb2FkIElE</UploadId>"));
  seeds.write("s3_xml", "uploads",
              document("ListMultipartUploadsResult",
                       "<Upload><Key>a/b</Key><UploadId>X</UploadId></Upload>"));
  seeds.write("s3_xml", "complete",
              document("CompleteMultipartUploadResult", "<ETag>\"e-2\"</ETag>"));
  seeds.write("s3_xml", "copy", document("CopyObjectResult", "<ETag>&#34;e&#34;</ETag>"));
  seeds.write("s3_xml", "doctype",
              "<!DOCTYPE x [<!ENTITY a \"b\">]><Error><Code>&a;</Code></Error>");
  seeds.write("s3_xml", "date", "2009-10-12T17:50:30.000Z");
}

void write_azure_seeds(const SeedWriter& seeds) {
  write_all(
      seeds, "azure",
      {{"list",
        "<EnumerationResults><Blobs><Blob><Name Encoded=\"true\">a/%41</Name><Properties>"
        "<Last-Modified>Fri, 26 Jun 2015 23:39:12 GMT</Last-Modified><Etag>0x8D1</Etag>"
        "<Content-Length>7</Content-Length><AccessTier>Hot</AccessTier></Properties></Blob>"
        "<Blob><Name>a/d</Name><Properties><ResourceType>directory</ResourceType></Properties>"
        "</Blob><BlobPrefix><Name>a/p/</Name></BlobPrefix></Blobs><NextMarker>m</NextMarker>"
        "</EnumerationResults>"},
       {"batch",
        "multipart/mixed; boundary=\"b\"\n--b\r\nContent-ID: 1\r\n\r\nHTTP/1.1 404 Gone\r\n"
        "x-ms-error-code: BlobNotFound\r\n\r\n--b\r\ncontent-id:0\r\n\r\nHTTP/1.1 202 Accepted"
        "\r\n\r\n--b--\r\n"},
       {"connection",
        "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5;"
        "EndpointSuffix=core.windows.net;BlobEndpoint=http://127.0.0.1:1/acc"},
       {"sas", "?sv=2023-11-03&sr=c&sp=rl&sig=a%2Bb%3D"}});
}

void write_expression_seeds(const SeedWriter& seeds) {
  write_all(
      seeds, "vcfs3_expression",
      {{"columns", "eQUAL>5 && (POS!=3 || N_ALT=2) && TYPE~\"snp\" & REF=\"A\""},
       {"filter", "eFILTER=\"q10;s50\" || FILTER!~\"PASS\" || FILTER=\".\""},
       {"id", "eID~\"^i/i\" && ID!=\"x\" | ALT[0,2-]=\"C\" || ALT[1]!~\"T*\""},
       {"info", "eAC[*]>1 && AF[0]<=0.5 && MQ=\".\" && DB=1 && GENE=\"a,b\" && CSQ[1]~\"x\""},
       {"counts", "eMAF>0.1 && MAC[1]=1 && F_MISSING<0.5 && N_MISSING=0 && N_SAMPLES=3"},
       {"samples", "eFMT/DP>1 & AD[0-1:*]<9 || FT=\"a\" | ST[*:1]!=\"c\" && FMT/GQ!=2"},
       {"genotype", "eGT=\"het\" && GT[1-]!=\"0/1\" || GT~\"2\" | GT=\"aA\" || GT=\"mis\""},
       {"arithmetic", "e-QUAL*2+1-3/AN%2<ABS(POS-9) && AC/AN>0.1 && SUM(AD)/MAX(AC)>=1"},
       {"functions", "eN_PASS(GT=\"hom\")>1 && COUNT(AC)=2 && STRLEN(ALT)=2 && sMEDIAN(AD)>1"},
       {"missing", "eBINOM(AD)>0.5"},
       {"format", "f%CHROM\\t%POS %END0 %ALT{1} %AC{0} %TYPE %_CHROM_POS_ID %MASK\\n"},
       {"format_samples", "f%ID[ %SAMPLE=%GT %TGT %IUPACGT %AD{1} %INFO/DP][-]"},
       {"format_pass", "f%N_PASS(GT=\"het\" || (FMT/DP>1)) %LINE"},
       {"record",
        "eAC>1 && GT=\"alt\"\nc\t9\t.\tAC\t<DEL>,*\t.\tPASS\tAC=2,1;AN=6;DP=\tGT:AD\t"
        "1|2:3,4,5\t.\t0/1:."}});
}

void write_particle_seeds(const SeedWriter& seeds) {
  write_all(
      seeds, "particles",
      {{"relion4",
        "# version 30001\n\ndata_optics\n\nloop_ \n_rlnOpticsGroup #1 \n_rlnVoltage #2 \n1 300\n "
        "\n\n"
        "data_particles\n\nloop_ \n_rlnTomoName #1 \n_rlnCoordinateX #2 \n_rlnCoordinateY #3 \n"
        "_rlnCoordinateZ #4 \n_rlnOriginXAngst #5 \n TS_01 100.5 200.25 50.0 2.7 \n"
        " TS_02 4 8 12 0 \n \n"},
       {"relion5",
        "data_particles\nloop_\n_rlnCenteredCoordinateXAngst\n_rlnCenteredCoordinateYAngst\n"
        "_rlnCenteredCoordinateZAngst\n_rlnTomoSubtomogramRot\n_rlnOriginYAngst\n"
        "0 -100 27.5 90 1\n\ndata_after\n_x 1\n"},
       {"quoted",
        "data_p\nloop_ _rlnMicrographName _rlnCoordinateX _rlnCoordinateY _rlnCoordinateZ\n"
        "'a b' 1 2 3\n# so\ndata_1/a.mrc +1. \"2\" .3 # it\n"},
       {"portal",
        "{\"type\":\"orientedPoint\",\"location\":{\"x\":1.5,\"y\":2,\"z\":3e2},"
        "\"xyz_rotation_matrix\":[[1,0,0],[0,1,0],[0,0,1]]}\n"
        "{\"location\":{\"x\":0,\"y\":-4,\"z\":0}}\n"}});
}

void write_ome_seeds(const SeedWriter& seeds) {
  write_all(
      seeds, "ome",
      {{"v04",
        R"({"multiscales":[{"version":"0.4","name":"n","type":"mean","axes":[
{"name":"z","type":"space","unit":"angstrom"},{"name":"y"},{"name":"x"}],"datasets":[{"path":"0",
"coordinateTransformations":[{"type":"scale","scale":[1,2,3]},{"type":"translation","translation":
[0.5,1,1.5]}]}],"coordinateTransformations":[{"type":"identity"}]}],"omero":{"channels":[{"window":
{"min":0,"max":1,"start":0,"end":1}}]}})"},
       {"v03", R"({"multiscales":[{"axes":["t","c","y","x"],"datasets":[{"path":"0"}]}]})"},
       {"v05",
        R"({"ome":{"version":"0.5","multiscales":[{"axes":[{"name":"x"}],"datasets":[{"path":"a/0",
"coordinateTransformations":[{"type":"scale","scale":[4]}]}]}]}})"},
       {"v06",
        R"({"ome":{"version":"0.6","multiscales":[{"coordinateSystems":[{"name":"p","axes":[{"name":
"y"},{"name":"x"}]}],"datasets":[{"path":"0","coordinateTransformations":[{"type":"sequence","output":
{"name":"p"},"transformations":[{"type":"scale","scale":[2,2]},{"type":"translation","translation":
[1,1]}]}]}]}]}})"},
       {"rotation",
        R"({"multiscales":[{"axes":["x"],"datasets":[{"path":"0","coordinateTransformations":
[{"type":"rotation"}]}]}]})"},
       {"labels", R"({"ome":{"version":"0.5","labels":["a","b"]}})"}});
}

}  // namespace

void write_text_seeds(const SeedWriter& seeds) {
  write_particle_seeds(seeds);
  write_all(seeds, "uri",
            {{"path", "/data/a b.bam"},
             {"relative", "sample:1.bam"},
             {"file", "file:///data/a%20b?durability=none"},
             {"memory", "memory:name/prefix"},
             {"s3", "s3://bucket/a/b?region=eu-west-1&endpoint=http://127.0.0.1:9000"},
             {"user", "s3://key:secret@bucket/x"},
             {"unknown", "foo://x/y#z"},
             {"option_size", "part_size=8M"},
             {"option_time", "timeout=2m"},
             {"option_bool", "anonymous=true"},
             {"option_number", "max_retries=3"},
             {"codec", "zstd:19"}});
  write_all(seeds, "http",
            {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
             {"date_rfc850", "Sunday, 06-Nov-94 08:49:37 GMT"},
             {"date_asctime", "Sun Nov  6 08:49:37 1994"},
             {"seconds", "120"},
             {"etag", "\"abc\""},
             {"weak_etag", "W/\"abc\""},
             {"endpoint", "https://Host.example:8443/prefix"},
             {"endpoint_ipv6", "http://[::1]:9000"},
             {"endpoint_user", "http://user:password@host"},
             {"encoded", "a%20b%2Fc%"},
             {"profile",
              "[profile a]\nregion = eu-west-1\n# comment\ns3 =\n  addressing_style = path\n"
              "[services b]\ns3 =\n  endpoint_url = http://127.0.0.1\n"}});
  write_azure_seeds(seeds);
  write_xml_seeds(seeds);
  write_expression_seeds(seeds);
  write_ome_seeds(seeds);
}

}  // namespace cnf::fuzz
